using System.Diagnostics.Metrics;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Workers;
using Xunit;

namespace Runnel.Tests.ChannelLayers;

public class ChannelLayerTelemetryTests
{
    [Fact]
    public async Task A_group_member_that_misses_a_message_is_counted()
    {
        await using var layer = new SharedMemory().Open(options: new() { Capacity = 1 });
        using var missed = new MissedCount();
        await layer.AddToGroupAsync("articles", "full");
        await layer.SendAsync("full", new Message("t", default));

        await layer.SendToGroupAsync("articles", new Message("t", default));

        Assert.Equal(1, missed.Value);
    }

    [Fact]
    public async Task What_waits_for_a_slow_queue_is_bounded_and_the_rest_is_counted_as_missed()
    {
        const int Most = 10_000, Beyond = 3;
        var memory = new SharedMemory();
        var answers = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var layer = memory.Open(queue: new WatchedQueue(memory.Queue) { OnEnqueue = () => answers.Task }, options: new() { Capacity = 2 * Most });
        using var missed = new MissedCount();
        await layer.AddToGroupAsync("articles", "slow");

        for (var sent = 0; sent < Most + Beyond; sent++)
            await layer.SendToGroupAsync("articles", new Message("t", default));

        Assert.Equal(Beyond, missed.Value);
        answers.SetResult();
        for (var received = 0; received < Most; received++)
            await Wait.For(layer.ReceiveAsync("slow").AsTask(), "one of those that waited");
    }

    [Fact]
    public async Task A_group_message_that_cannot_be_read_is_counted_once_for_each_member()
    {
        var memory = new SharedMemory();
        await using var layer = memory.Open();
        using var missed = new MissedCount();
        foreach (var member in new ChannelName[] { "one", "two", "three" })
            await layer.AddToGroupAsync("articles", member);

        await memory.Backplane.PublishAsync(Topic.OfGroup("articles"), "from another version"u8.ToArray(), retention: null);

        Assert.Equal(3, missed.Value);
    }

    /// <summary>How often a member missed a message since then, in the flow of the test that made this.</summary>
    private sealed class MissedCount : IDisposable
    {
        // The meter is everybody's: what other tests drop at the same time is not ours, and is dropped outside of this flow.
        private readonly AsyncLocal<bool> _ours = new() { Value = true };
        private readonly MeterListener _listener = new();

        public MissedCount()
        {
            _listener.InstrumentPublished = static (instrument, listening) =>
            {
                if (instrument.Meter.Name == RunnelTelemetry.Name && instrument.Name == RunnelTelemetry.GroupDroppedName)
                    listening.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, measurement, _, _) => Value += _ours.Value ? measurement : 0);
            _listener.Start();
        }

        public long Value { get; private set; }

        public void Dispose() => _listener.Dispose();
    }
}
