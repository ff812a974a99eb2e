using System.Diagnostics.Metrics;
using Runnel.Consumers;
using Runnel.InMemory;
using Runnel.Layers;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>Which connections are open on a node, and how many.</summary>
public sealed class ConnectionTableTests
{
    [Fact]
    public async Task A_connection_is_counted_once_when_it_opens_and_once_when_it_closes()
    {
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(TimeProvider.System));
        using var connection = new FakeConnection(node);
        var table = new ConnectionTable();
        var measured = new List<int>();
        var here = Environment.CurrentManagedThreadId; // what other tests open and close at the same time is measured elsewhere
        using var listener = new MeterListener();
        listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter == RunnelTelemetry.Meter && instrument.Name == RunnelTelemetry.ConnectionsOpen)
                listener.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<int>((_, value, _, _) =>
        {
            if (Environment.CurrentManagedThreadId == here)
                measured.Add(value);
        });
        listener.Start();

        table.Add(connection);
        Assert.Equal([connection], table.All);
        table.Remove(connection);
        table.Remove(connection);

        Assert.Equal([1, -1], measured);
        Assert.Empty(table.All);
    }
}
