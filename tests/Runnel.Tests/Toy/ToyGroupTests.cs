using Microsoft.Extensions.Logging;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Tests.Connections;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.Toy;

[Collection(nameof(Metered))]
public sealed class ToyGroupTests
{
    private const int MayHaveMissed = 1021, InboxMayHaveMissed = 1027;

    [Fact]
    public async Task A_node_that_was_cut_off_counts_and_logs_for_each_group_that_messages_may_be_missing()
    {
        using var counts = new Counts();
        using var log = new RecordedLog();
        var backplane = new ToyBackplane(new InMemoryBackplane(TimeProvider.System));
        await using var node = FakeConnection.CreateNode(backplane, logs: log);
        var connection = await FakeConnection.ConnectAsync(node);
        await connection.Groups.AddAsync("news");
        await connection.Groups.AddAsync("sport");

        backplane.Cut();
        backplane.Heal();

        Assert.Equal(2, counts[RunnelTelemetry.GroupGaps, "cut-off"]);
        Assert.Equal(2, log.Of(MayHaveMissed).Count());
        Assert.Empty(log.AtLeast(LogLevel.Warning));
    }

    [Fact]
    public async Task A_node_that_was_cut_off_counts_and_logs_that_messages_to_its_connections_may_be_missing()
    {
        using var counts = new Counts();
        var backplane = new ToyBackplane(new InMemoryBackplane(TimeProvider.System));
        await using var node = await RunnelApp.StartInMemoryAsync(static _ => { }, builder => builder.With(backplane).Logging.SetMinimumLevel(LogLevel.Debug));

        backplane.Cut();
        backplane.Heal();

        Assert.Equal(1, counts[RunnelTelemetry.InboxGaps]);
        Assert.Single(node.Logs.Of(InboxMayHaveMissed));
    }
}
