using System.Text.Json;
using Runnel.Frames;
using Runnel.Layers;

namespace Runnel;

/// <summary>A message to a group as this node fans it out. It is decoded once, and encoded once for each form in which members get it.</summary>
public sealed class GroupMessage
{
    /// <summary>The envelope's type of a text frame that is JSON; within a stream it is embedded as it is.</summary>
    internal const string JsonType = "json";

    /// <summary>The envelope's type of a text frame that is any text, and of a binary frame.</summary>
    internal const string PlainType = "plain";

    private const int ObjectBytes = 128;

    private readonly Lock _lock = new();
    private Frame? _plain;
    private string? _stream;
    private Frame? _streamFrame;
    private Dictionary<string, Frame>? _furtherStreams;

    internal GroupMessage(Envelope envelope) => Envelope = envelope;

    /// <summary>The message.</summary>
    public Envelope Envelope { get; }

    /// <summary>Whether it is an event for the members' code (<see cref="HandlesAttribute"/>), and not a frame for their clients.</summary>
    public bool IsEvent => Envelope.Kind == EnvelopeKind.Message;

    /// <summary>How many bytes it counts for while it waits for a consumer.</summary>
    internal int Cost => Envelope.Message.Body.Length + ObjectBytes;

    /// <summary>The frame for members that have a socket to themselves.</summary>
    public Frame Frame => _plain ??= Frame.OfGroup(Envelope.Kind == EnvelopeKind.BinaryFrame ? FrameKind.Binary : FrameKind.Text, Envelope.Message.Body.Span);

    /// <summary>The frame for members that are a stream of a shared socket.</summary>
    public Frame FrameFor(string stream)
    {
        lock (_lock)
        {
            // Nearly every group is used under one stream name.
            if (_stream == stream)
                return _streamFrame!;
            if (_furtherStreams is not null && _furtherStreams.TryGetValue(stream, out var known))
                return known;
            var frame = StreamFrame.OfGroup(stream, this);
            if (_stream is null)
                (_stream, _streamFrame) = (stream, frame);
            else
                (_furtherStreams ??= [])[stream] = frame;
            return frame;
        }
    }

    /// <summary>Reads the body of an event as what its handler takes: a new object for each handler, so that none sees what another did to it.</summary>
    internal object? ReadBody(Type type, JsonSerializerOptions options)
    {
        if (type == typeof(Message))
            return Envelope.Message;
        return JsonSerializer.Deserialize(Envelope.Message.Body.Span, type, options);
    }
}
