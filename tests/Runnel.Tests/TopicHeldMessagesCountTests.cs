using Runnel.Layers;
using Runnel.Layers.Topics;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests;

/// <summary>What finds no room while a topic is held back, and is in no history, is counted as lost.</summary>
[Collection(nameof(Metered))]
public sealed class TopicHeldMessagesCountTests
{
    [Fact]
    public void Each_of_them_counts_and_none_that_the_history_holds()
    {
        using var counts = new Counts();
        var held = new HeldMessages();

        held.Add(new BackplaneMessage(Position.None, new byte[16 * 1024 * 1024]), canBeRead: false);
        held.Add(new BackplaneMessage(Position.None, new byte[1]), canBeRead: false);
        held.Add(new BackplaneMessage(Position.None, new byte[1]), canBeRead: false);
        held.Add(new BackplaneMessage(new Position(1, 1), new byte[1]), canBeRead: true);

        Assert.Equal(2, counts[RunnelTelemetry.MessagesDropped, "outage"]);
    }
}
