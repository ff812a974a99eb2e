using Runnel.Layers;

namespace Runnel;

/// <summary>Stands in for a layer that cannot be made, so that services can be made all the same. Opening it fails with the reason.</summary>
/// <param name="reason">Why the layer cannot be made.</param>
internal sealed class UnusableLayer(Exception reason) : IBackplane, IWorkQueue, IWorkQueueOperator, IStateStore
{
    public event Action<BackplaneState>? StateChanged
    {
        add { }
        remove { }
    }

    BackplaneFeatures IBackplane.Features => BackplaneFeatures.None;

    // All of them, so that opening tells the reason before anybody complains of a feature that is missing.
    WorkQueueFeatures IWorkQueue.Features => WorkQueueFeatures.All;

    public BackplaneState State => BackplaneState.Interrupted;

    /// <summary>A layer that cannot be opened.</summary>
    public static Layer Because(Exception reason)
    {
        var layer = new UnusableLayer(reason);
        return new Layer { Backplane = layer, WorkQueue = layer, Operator = layer, State = layer, Open = _ => Task.FromException(reason), Identity = _ => Task.FromException<string>(reason) };
    }

    public ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask<int> EnqueueAsync(ChannelName channel, IReadOnlyList<Envelope> envelopes, EnqueueOptions options, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask<IWorkReceiver> OpenReceiverAsync(ReceiverOptions options, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask<IReadOnlyList<ChannelStatus>> ListChannelsAsync(CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask<IReadOnlyList<DeadLetter>> ListDeadLettersAsync(ChannelName channel, DeadLetterFilter filter, int limit, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask<int> ReplayAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask<int> PurgeAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask SetAsync(string name, ReadOnlyMemory<byte> value, TimeSpan keep, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask<StateValue?> GetAsync(string name, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask<IAsyncDisposable> WatchAsync(string name, Action<StateValue> onValue, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask<Reservation?> ReserveAsync(string name, TimeSpan lapse, TimeSpan window, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask<bool> IsMarkedAsync(string name, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask<bool> ConfirmAsync(Reservation reservation, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask MarkAsync(Reservation reservation, CancellationToken cancellationToken = default) => throw Fail();

    public ValueTask ReleaseAsync(Reservation reservation, CancellationToken cancellationToken = default) => throw Fail();

    private InvalidOperationException Fail() => new(reason.Message, reason);
}
