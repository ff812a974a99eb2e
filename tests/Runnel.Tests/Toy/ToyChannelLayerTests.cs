using Runnel.ChannelLayers;
using Runnel.InMemory;
using Xunit;

namespace Runnel.Tests.Toy;

public sealed class ToyChannelLayerTests
{
    [Fact]
    public void The_channel_layer_refuses_a_queue_that_can_do_too_little_with_a_sentence_that_says_what()
    {
        var queue = new ToyWorkQueue(new InMemoryWorkQueue(TimeProvider.System));
        var backplane = new ToyBackplane(new InMemoryBackplane(TimeProvider.System));

        var refusal = Assert.Throws<NotSupportedException>(() => new ChannelLayer(backplane, queue, queue, new ChannelLayerOptions(), TimeProvider.System));

        Assert.Contains("Cancel, Deduplicate", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("sqlite:", refusal.Message, StringComparison.Ordinal);
    }
}
