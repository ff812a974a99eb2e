using System.Buffers;
using Runnel.Layers;
using Runnel.Links;

namespace Runnel.Handover;

/// <summary>An item from a gateway to the worker that has a connection.</summary>
/// <param name="told">What it is.</param>
/// <param name="connection">The number of the connection.</param>
/// <param name="owner">The number of the owner.</param>
internal class ToWorker(HandoverFormat.Told told, long connection, int owner) : LinkItem
{
    public override LinkKind Kind => LinkKind.ToWorker;

    public override void WriteTo(IBufferWriter<byte> output)
    {
        var writer = new WireWriter(output);
        writer.Byte((byte)told);
        writer.Number(connection);
        writer.Number(owner);
        WriteRest(writer);
    }

    protected virtual void WriteRest(WireWriter writer)
    {
    }

    /// <summary>An assignment; the streams are those of an adopted socket.</summary>
    internal sealed class Assignment(long connection, int owner) : ToWorker(HandoverFormat.Told.Assign, connection, owner)
    {
        public required string Endpoint { get; init; }

        public required HandoverFormat.Traits Traits { get; init; }

        public required long FirstStream { get; init; }

        public required int StreamNumbers { get; init; }

        public required byte[]? Kept { get; init; }

        public required IReadOnlyList<StreamState> Streams { get; init; }

        public required ReadOnlyMemory<byte> Scope { get; init; }

        protected override void WriteRest(WireWriter writer)
        {
            writer.Byte(HandoverFormat.Version);
            writer.Text(Endpoint);
            writer.Byte((byte)Traits);
            writer.Number(FirstStream);
            writer.Number(StreamNumbers);
            writer.Bytes(Kept);
            writer.Number(Streams.Count);
            foreach (var stream in Streams)
            {
                writer.Number(stream.Number);
                writer.Text(stream.Name);
                writer.Byte(stream.IsOver ? (byte)1 : (byte)0);
                writer.Bytes(stream.Kept);
            }
            writer.Rest(Scope.Span);
        }
    }

    /// <summary>A message of the client.</summary>
    internal sealed class Message(long connection, int owner, long number, bool isRedelivered, bool isText, byte[] bytes)
        : ToWorker(isText ? HandoverFormat.Told.Text : HandoverFormat.Told.Binary, connection, owner)
    {
        protected override void WriteRest(WireWriter writer)
        {
            writer.Number(number);
            writer.Byte(isRedelivered ? (byte)1 : (byte)0);
            writer.Rest(bytes);
        }
    }

    /// <summary>The end of the connection.</summary>
    internal sealed class End(long connection, int owner, long number, bool isRedelivered, int code, bool wasAccepted) : ToWorker(HandoverFormat.Told.End, connection, owner)
    {
        protected override void WriteRest(WireWriter writer)
        {
            writer.Number(number);
            writer.Byte(isRedelivered ? (byte)1 : (byte)0);
            writer.Number(code);
            writer.Byte(wasAccepted ? (byte)1 : (byte)0);
        }
    }

    /// <summary>The outcome of a join.</summary>
    internal sealed class Joined(long connection, int owner, long request, byte outcome, string? sentence) : ToWorker(HandoverFormat.Told.Joined, connection, owner)
    {
        public const byte Failed = 255, LayerAway = 254;

        protected override void WriteRest(WireWriter writer)
        {
            writer.Number(request);
            writer.Byte(outcome);
            writer.Text(sentence);
        }
    }

    /// <summary>What is in the client's queue.</summary>
    internal sealed class Taken(long connection, int owner, int frames, long bytes) : ToWorker(HandoverFormat.Told.Taken, connection, owner)
    {
        protected override void WriteRest(WireWriter writer)
        {
            writer.Number(frames);
            writer.Number(bytes);
        }
    }

    /// <summary>An event; once for all connections of a group that the worker has.</summary>
    internal sealed class Event : LinkItem
    {
        private readonly GroupMessage _message;
        private readonly Receiver _first;
        private List<Receiver>? _further;

        public Event(GroupMessage message, Receiver receiver) => (_message, _first) = (message, receiver);

        public override LinkKind Kind => LinkKind.ToWorker;

        public override bool TryMerge(LinkItem next)
        {
            if (next is not Event { _further: null } other || other._message != _message)
                return false;
            (_further ??= []).Add(other._first);
            return true;
        }

        public override void WriteTo(IBufferWriter<byte> output)
        {
            var writer = new WireWriter(output);
            writer.Byte((byte)HandoverFormat.Told.Event);
            writer.Text(_message.IsGap ? _message.Place!.Group.Value : "");
            writer.Number(1 + (_further?.Count ?? 0));
            Write(writer, _first);
            foreach (var receiver in _further ?? [])
                Write(writer, receiver);
            writer.Rest(EnvelopeFormat.Encode(_message.Envelope));
        }

        private static void Write(WireWriter writer, Receiver receiver)
        {
            writer.Number(receiver.Connection);
            writer.Number(receiver.Owner);
            writer.Number(receiver.Stream);
            writer.Number(receiver.Number);
            writer.Byte(receiver.IsRedelivered ? (byte)1 : (byte)0);
        }
    }

    /// <summary>Who gets an event.</summary>
    internal readonly record struct Receiver(long Connection, int Owner, long Stream, long Number, bool IsRedelivered);
}
