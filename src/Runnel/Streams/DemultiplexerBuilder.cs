using Runnel.Streams;

namespace Runnel;

/// <summary>The consumers that share a socket, each as a stream with a name.</summary>
public sealed class DemultiplexerBuilder
{
    private readonly Dictionary<string, ConsumerDescriptor> _streams = [];

    internal IReadOnlyDictionary<string, ConsumerDescriptor> Streams => _streams;

    /// <summary>Adds a stream. Its consumer sees a connection of its own.</summary>
    /// <param name="name">The stream's name in the frames.</param>
    /// <exception cref="ArgumentException">The name is empty, or another stream has it.</exception>
    public DemultiplexerBuilder Stream<TConsumer>(string name)
        where TConsumer : WebSocketConsumer => Stream(name, ConsumerDescriptor.For<TConsumer>());

    /// <summary>Adds a stream whose consumer is made of functions.</summary>
    /// <inheritdoc cref="Stream{TConsumer}(string)"/>
    public DemultiplexerBuilder Stream(string name, Action<ConsumerBuilder> build)
    {
        ArgumentNullException.ThrowIfNull(build);
        var builder = new ConsumerBuilder();
        build(builder);
        return Stream(name, ConsumerDescriptor.For(builder));
    }

    /// <summary>Describes the consumer of the shared socket, which hands each message to the consumer of its stream.</summary>
    public ConsumerDescriptor Describe() => Describe(isGreeted: false, Describe(isGreeted: true, greeted: null));

    /// <summary>Describes the consumer of a socket whose client speaks <c>runnel.v1</c>: there, a consumer that has a socket to itself is a stream without a name.</summary>
    /// <param name="descriptor">The consumer as it is mapped.</param>
    public static ConsumerDescriptor Greeted(ConsumerDescriptor descriptor)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        // Kept: else each connection would hold a description of its own.
        return descriptor.Greeted ??= Only(descriptor).Describe(isGreeted: true, greeted: null);
    }

    private static DemultiplexerBuilder Only(ConsumerDescriptor descriptor)
    {
        var only = new DemultiplexerBuilder();
        only._streams.Add("", descriptor);
        return only;
    }

    private ConsumerDescriptor Describe(bool isGreeted, ConsumerDescriptor? greeted) =>
        new("Demultiplexer", usesServices: false, _ => new DemultiplexerConsumer(this, isGreeted), [], [.. _streams.Values.SelectMany(stream => stream.Metadata)]) { Greeted = greeted, CanBeAdopted = _streams.Values.All(static stream => stream.CanBeAdopted), StreamCount = _streams.Count };

    private DemultiplexerBuilder Stream(string name, ConsumerDescriptor descriptor)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (!_streams.TryAdd(name, descriptor))
            throw new ArgumentException($"This demultiplexer already has a stream '{name}'. Give this one another name.", nameof(name));
        return this;
    }
}
