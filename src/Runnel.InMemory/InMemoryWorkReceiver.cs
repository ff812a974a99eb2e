using Runnel.InMemory.Channels;
using Runnel.InMemory.Stored;
using Runnel.Layers;

namespace Runnel.InMemory;

/// <summary>A worker of the in-memory queue. In memory it dies only when it is told to: see <see cref="InMemoryWorkQueue.Crash"/>.</summary>
internal sealed class InMemoryWorkReceiver(InMemoryWorkQueue queue) : IWorkReceiver
{
    private readonly CancellationTokenSource _lost = new();
    private readonly LeaseState _state = new();

    public string WorkerId => _state.WorkerId;

    public CancellationToken Lost => _lost.Token;

    public bool IsHeld => _state.IsHeld;

    public ValueTask<IReadOnlyList<ReceivedMessage>> ReceiveAsync(ChannelName channel, int max, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        cancellationToken.ThrowIfCancellationRequested();
        var name = channel.QueueName;
        while (true)
        {
            if (!IsHeld)
                return ValueTask.FromException<IReadOnlyList<ReceivedMessage>>(_state.Ended());
            var home = queue.GetOrAdd(name);
            var (claims, waiter) = home.Receive(_state, max);
            if (waiter is not null)
                return WaitAsync(home, waiter, cancellationToken);
            if (claims is { Length: > 0 })
                return new(Open(name, claims));
        }
    }

    public ValueTask<bool> CompleteAsync(ReceivedMessage message, CancellationToken cancellationToken = default)
    {
        var stored = StoredOf(message);
        return new(HomeOf(message)?.Complete(stored, _state) is true);
    }

    public ValueTask<bool> AbandonAsync(ReceivedMessage message, AbandonOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var stored = StoredOf(message);
        var changed = options.Body is { } body ? EnvelopeFormat.ReplaceBody(stored.Bytes, body.Span) : null;
        return new(HomeOf(message)?.Abandon(stored, _state, options, changed) is true);
    }

    public ValueTask<bool> DeadLetterAsync(ReceivedMessage message, DeadLetterReason reason, string? error, CancellationToken cancellationToken = default)
    {
        var stored = StoredOf(message);
        return new(HomeOf(message)?.DeadLetter(stored, _state, reason, error) is true);
    }

    public ValueTask DisposeAsync()
    {
        if (_state.TryDispose())
            queue.End(this, channel => channel.HandBack(_state));
        return ValueTask.CompletedTask;
    }

    /// <summary>The worker has died.</summary>
    public void Crash()
    {
        if (!_state.TryLose())
            return;
        queue.End(this, channel => channel.HandBackDead(_state));
        _lost.Cancel();
    }

    // A channel that has claims is not forgotten. If there is none, or another one of the name, everything was deleted meanwhile, and the claim is void.
    private InMemoryChannel? HomeOf(ReceivedMessage message) => queue.Find(message.Channel);

    private static StoredMessage StoredOf(ReceivedMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return message.TokenAs<StoredMessage>();
    }

    private static async ValueTask<IReadOnlyList<ReceivedMessage>> WaitAsync(InMemoryChannel home, ReceiveWaiter waiter, CancellationToken cancellationToken)
    {
        using var cancellation = cancellationToken.UnsafeRegister((_, token) => home.StopWaiting(waiter, token), null);
        return Open(home.Name, await waiter.Task.ConfigureAwait(false));
    }

    private static ReceivedMessage[] Open(ChannelName channel, StoredMessage[] claims)
    {
        var messages = new ReceivedMessage[claims.Length];
        for (var i = 0; i < messages.Length; i++)
            messages[i] = new ReceivedMessage(channel, EnvelopeFormat.Decode(claims[i].Bytes), claims[i]);
        return messages;
    }
}
