using System.Diagnostics.Metrics;
using Runnel.Layers;
using Xunit;

namespace Runnel.Tests.ChannelLayers;

public class ChannelLayerTelemetryTests
{
    [Fact]
    public async Task A_group_member_that_misses_a_message_is_counted()
    {
        await using var layer = new SharedMemory().Open(options: new() { Capacity = 1 });
        var missed = 0L;
        // The meter is everybody's: what other tests drop at the same time is not ours, and is dropped outside of this flow.
        var ours = new AsyncLocal<bool> { Value = true };
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.Meter.Name == RunnelTelemetry.Name && instrument.Name == RunnelTelemetry.GroupDroppedName)
                listening.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, measurement, _, _) => missed += ours.Value ? measurement : 0);
        listener.Start();
        await layer.AddToGroupAsync("articles", "full");
        await layer.SendAsync("full", new Message("t", default));

        await layer.SendToGroupAsync("articles", new Message("t", default));

        Assert.Equal(1, missed);
    }
}
