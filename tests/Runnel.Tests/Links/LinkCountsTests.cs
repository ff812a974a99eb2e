using Runnel.Layers;
using Runnel.Links;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Links;

/// <summary>What is counted of what one node sent another and nobody got.</summary>
[Collection(nameof(Metered))]
public sealed class LinkCountsTests : IAsyncDisposable
{
    private readonly LinkedNodes _nodes = new();
    private readonly Counts _counts = new();

    public async ValueTask DisposeAsync()
    {
        _counts.Dispose();
        await _nodes.DisposeAsync();
    }

    [Fact]
    public async Task What_the_other_node_had_not_got_when_the_link_ended_is_counted_and_nothing_else()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());
        one.Send(two, "arrives");
        await _nodes.FlushAsync(one, two);
        one.Wire.Decide = () => Fate.GetsLost;
        for (var lost = 0; lost < 3; lost++)
            one.Send(two, "lost");

        LinkedNodes.Leave(one, two);

        await Wait.Until(() => one.Heard.Contains("ended"), "the link has ended");
        Assert.Equal(3, Dropped(NodeLinks.DroppedWithLink));
    }

    [Fact]
    public async Task What_is_of_a_kind_that_is_not_known_is_counted_each_time()
    {
        var (one, two) = (await _nodes.StartAsync(), await _nodes.StartAsync());

        for (var again = 0; again < 2; again++)
            one.Links.Send(two.Id, new TextItem("later", (LinkKind)99));
        await _nodes.FlushAsync(one, two);

        Assert.Equal(2, Dropped("unknown-link-item"));
    }

    private long Dropped(string reason) => _counts[RunnelTelemetry.MessagesDropped, reason];
}
