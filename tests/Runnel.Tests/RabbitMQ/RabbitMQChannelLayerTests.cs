using Runnel.ChannelLayers;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Channels;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>The channel layer on Django's wire, which has direct channels. What waits in a process expires there, by the test's clock.</summary>
public sealed class RabbitMQChannelLayerTests(SharedRabbitServer server) : ChannelLayerSpecification
{
    private readonly Dictionary<IChannelLayer, DjangoChannels> _channels = [];
    private readonly List<RabbitMQBackplane> _backplanes = [];
    private readonly ManualClock _clock = new();
    private RabbitPlace _place = null!;

    protected override SpecificationClock Clock => _clock;

    protected override IWorkQueueOperator? Operator => null;

    public override async ValueTask InitializeAsync()
    {
        _place = await RabbitPlace.CreateAsync(server, _clock.TimeProvider);
        await base.InitializeAsync();
    }

    protected override async ValueTask<IChannelLayer> CreateAsync(ChannelLayerOptions options)
    {
        var broker = _place.Open(rabbit =>
        {
            rabbit.Wire = RabbitMQWire.Django;
            (rabbit.LocalCapacity, rabbit.RemoteCapacity, rabbit.LocalExpiry) = (options.Capacity, 10_000, options.Expiry);
        });
        var backplane = new RabbitMQBackplane(broker);
        _backplanes.Add(backplane);
        await broker.OpenAsync();
        var channels = new DjangoChannels(broker, backplane);
        var layer = new DirectChannelLayer(backplane, channels, options, _clock.TimeProvider);
        _channels.Add(layer, channels);
        return layer;
    }

    protected override int CountWaiting(IChannelLayer layer, ChannelName channel) => _channels[layer].CountOf(channel);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var channels in _channels.Values)
            await channels.DisposeAsync();
        foreach (var backplane in _backplanes)
            await backplane.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Fact]
    public async Task On_the_other_wire_the_channel_layer_refuses_the_queue_with_a_sentence_that_says_what_it_lacks()
    {
        await using var queue = new RabbitMQWorkQueue(_place.Open());

        var refusal = Assert.Throws<NotSupportedException>(() => new ChannelLayer(new InMemoryBackplane(TimeProvider.System), queue, queue, new ChannelLayerOptions(), TimeProvider.System));

        Assert.Contains("Cancel, Deduplicate", refusal.Message, StringComparison.Ordinal);
    }
}
