using System.Buffers;
using Runnel.Links;

namespace Runnel.Handover;

/// <summary>An item from a worker to the gateway whose connection it has.</summary>
/// <param name="asked">What it is.</param>
/// <param name="connection">The number of the connection.</param>
/// <param name="owner">The number of the owner.</param>
internal class ToGateway(HandoverFormat.Asked asked, long connection, int owner) : LinkItem
{
    public override LinkKind Kind => LinkKind.ToGateway;

    public sealed override void WriteTo(IBufferWriter<byte> output)
    {
        var writer = new WireWriter(output);
        writer.Byte((byte)asked);
        writer.Number(connection);
        writer.Number(owner);
        WriteRest(writer);
    }

    protected virtual void WriteRest(WireWriter writer)
    {
    }

    /// <summary>Accepts the client.</summary>
    internal sealed class Accept(long connection, int owner, AcceptOptions options) : ToGateway(HandoverFormat.Asked.Accept, connection, owner)
    {
        protected override void WriteRest(WireWriter writer)
        {
            writer.Text(options.Subprotocol);
            writer.Number(options.Headers?.Count ?? 0);
            foreach (var (name, value) in options.Headers ?? new Dictionary<string, string>())
            {
                writer.Text(name);
                writer.Text(value);
            }
        }
    }

    /// <summary>Sends a frame to the client.</summary>
    internal sealed class SendFrame(long connection, int owner, Frame frame) : ToGateway(HandoverFormat.Asked.Frame, connection, owner)
    {
        protected override void WriteRest(WireWriter writer)
        {
            writer.Byte((byte)frame.Kind);
            writer.Rest(frame.Payload.Span);
        }
    }

    /// <summary>Closes the connection.</summary>
    internal sealed class Close(long connection, int owner, int code, string? reason) : ToGateway(HandoverFormat.Asked.Close, connection, owner)
    {
        protected override void WriteRest(WireWriter writer)
        {
            writer.Number(code);
            writer.Text(reason);
        }
    }

    /// <summary>An event was handled, and a value is kept with it.</summary>
    internal sealed class Handled(long connection, int owner, long number, long stream, byte[]? kept) : ToGateway(HandoverFormat.Asked.Handled, connection, owner)
    {
        protected override void WriteRest(WireWriter writer)
        {
            writer.Number(number);
            writer.Number(stream);
            writer.Bytes(kept);
        }
    }

    /// <summary>The socket's consumer (0) or a stream's has connected, or keeps another value.</summary>
    internal sealed class OfStream(HandoverFormat.Asked asked, long connection, int owner, long stream, byte[]? kept = null) : ToGateway(asked, connection, owner)
    {
        protected override void WriteRest(WireWriter writer)
        {
            writer.Number(stream);
            writer.Bytes(kept);
        }
    }

    /// <summary>Something of a stream that has a name: the group that it joins or leaves, or its own.</summary>
    internal sealed class Named(HandoverFormat.Asked asked, long connection, int owner, long stream, long request, string name) : ToGateway(asked, connection, owner)
    {
        protected override void WriteRest(WireWriter writer)
        {
            writer.Number(stream);
            writer.Number(request);
            writer.Text(name);
        }
    }

    /// <summary>Refuses an assignment.</summary>
    internal sealed class Refused(long connection, int owner, HandoverFormat.Refusal refusal) : ToGateway(HandoverFormat.Asked.Refused, connection, owner)
    {
        protected override void WriteRest(WireWriter writer) => writer.Byte((byte)refusal);
    }

    /// <summary>Gives the connection back.</summary>
    internal sealed class Released(long connection, int owner, bool wasCutShort) : ToGateway(HandoverFormat.Asked.Released, connection, owner)
    {
        protected override void WriteRest(WireWriter writer) => writer.Byte(wasCutShort ? (byte)1 : (byte)0);
    }
}
