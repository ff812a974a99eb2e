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

    /// <summary>How the types of our own messages begin; an application's types cannot.</summary>
    internal const string OwnTypes = "runnel:";

    /// <summary>The type of the message with which a group's history begins, so that the group always has a position. Members do not get it.</summary>
    internal const string BeginType = OwnTypes + "begin";

    /// <summary>The type of what is no message: messages are missing here.</summary>
    internal const string GapType = OwnTypes + "gap";

    private const int ObjectBytes = 128;

    private Frame? _plain;
    private StreamFrames? _streams;
    private StreamFrames? _protocol;

    internal GroupMessage(Envelope envelope, GroupPlace? place = null)
    {
        Envelope = envelope;
        Place = place;
    }

    /// <summary>The message.</summary>
    public Envelope Envelope { get; }

    /// <summary>Whether it is an event for the members' code (<see cref="HandlesAttribute"/>), and not a frame for their clients.</summary>
    public bool IsEvent => Envelope.Kind == EnvelopeKind.Message;

    /// <summary>Whether it only takes up a place in the history.</summary>
    internal bool IsBegin => IsEvent && Envelope.Message.Type == BeginType;

    /// <summary>Whether it is no message: here, messages of the group are missing.</summary>
    internal bool IsGap => Place is { IsGap: true };

    /// <summary>Where it stands in the group's history; <see langword="null"/> when the group keeps none.</summary>
    internal GroupPlace? Place { get; }

    /// <summary>Its number among the events of a connection whose socket another node holds; 0 if this node holds it.</summary>
    internal long Number { get; init; }

    /// <summary>Whether another worker may have handled it before.</summary>
    internal bool IsRedelivered { get; init; }

    /// <summary>Whether somebody waits until the consumer has handled it: what follows in a history, or the node that holds the socket.</summary>
    internal bool IsAwaited => Place is not null || Number != 0;

    /// <summary>How many bytes it counts for while it waits for a consumer.</summary>
    internal int Cost => Envelope.Message.Body.Length + ObjectBytes;

    /// <summary>The frame for members that have a socket to themselves.</summary>
    public Frame Frame => _plain ??= Frame.OfGroup(Envelope.Kind == EnvelopeKind.BinaryFrame ? FrameKind.Binary : FrameKind.Text, Envelope.Message.Body.Span);

    /// <summary>The frame for members that are a stream of a shared socket.</summary>
    public Frame FrameFor(string stream) =>
        LazyInitializer.EnsureInitialized(ref _streams, static () => new StreamFrames()).Get(stream, this, StreamFrame.OfGroup);

    /// <summary>The frame for members whose client speaks <c>runnel.v1</c>. What has no place in a history looks as it does to any stream.</summary>
    internal Frame ProtocolFrameFor(string stream) => Place is null
        ? FrameFor(stream)
        : LazyInitializer.EnsureInitialized(ref _protocol, static () => new StreamFrames()).Get(stream, this, ProtocolFrame.OfGroup);

    /// <summary>Tells members that messages are missing.</summary>
    /// <param name="place">Where.</param>
    internal static GroupMessage OfGap(GroupPlace place) => new(new Envelope(new Message(GapType, default)), place);

    /// <summary>Takes up a place in a history.</summary>
    internal static GroupMessage OfPlace(GroupPlace place) => new(new Envelope(new Message(BeginType, default)), place);

    /// <summary>Reads the body of an event as what its handler takes: a new object for each handler, so that none sees what another did to it.</summary>
    internal object? ReadBody(Type type, JsonSerializerOptions options)
    {
        if (type == typeof(Message))
            return Envelope.Message;
        return JsonSerializer.Deserialize(Envelope.Message.Body.Span, type, options);
    }
}
