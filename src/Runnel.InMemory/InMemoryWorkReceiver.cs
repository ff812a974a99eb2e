using Runnel.InMemory.Stored;
using Runnel.Layers;

namespace Runnel.InMemory;

/// <summary>A worker of the in-memory queue. In memory it dies only when it is told to: see <see cref="InMemoryWorkQueue.Crash"/>.</summary>
internal sealed class InMemoryWorkReceiver(InMemoryWorkQueue queue) : IWorkReceiver
{
    private readonly CancellationTokenSource _lost = new();
    private volatile bool _disposed;
    private int _ended;

    public string WorkerId { get; } = Guid.NewGuid().ToString("N");

    public CancellationToken Lost => _lost.Token;

    /// <summary>Whether it may still claim; looked at under a channel's lock, after which the end of the lease visits that channel.</summary>
    public bool IsHeld => Volatile.Read(ref _ended) == 0;

    public ValueTask<IReadOnlyList<ReceivedMessage>> ReceiveAsync(ChannelName channel, int max, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        cancellationToken.ThrowIfCancellationRequested();
        var name = channel.QueueName;
        while (true)
        {
            if (!IsHeld)
                return ValueTask.FromException<IReadOnlyList<ReceivedMessage>>(Ended());
            var (claims, waiter) = queue.GetOrAdd(name).Receive(this, max);
            if (waiter is not null)
                return WaitAsync(waiter, cancellationToken);
            if (claims is { Length: > 0 })
                return new(Open(name, claims));
        }
    }

    public ValueTask<bool> CompleteAsync(ReceivedMessage message, CancellationToken cancellationToken = default)
    {
        var stored = StoredOf(message);
        return new(stored.Home!.Complete(stored, this));
    }

    public ValueTask<bool> AbandonAsync(ReceivedMessage message, AbandonOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var stored = StoredOf(message);
        var changed = options.Body is { } body ? EnvelopeFormat.ReplaceBody(stored.Bytes, body.Span) : null;
        return new(stored.Home!.Abandon(stored, this, options, changed));
    }

    public ValueTask<bool> DeadLetterAsync(ReceivedMessage message, DeadLetterReason reason, string? error, CancellationToken cancellationToken = default)
    {
        var stored = StoredOf(message);
        return new(stored.Home!.DeadLetter(stored, this, reason, error));
    }

    public ValueTask DisposeAsync()
    {
        _disposed = true;
        if (Interlocked.Exchange(ref _ended, 1) == 0)
            queue.End(this, static (channel, lease) => channel.HandBack(lease));
        return ValueTask.CompletedTask;
    }

    /// <summary>The worker has died.</summary>
    public void Crash()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
            return;
        queue.End(this, static (channel, lease) => channel.HandBackDead(lease));
        _lost.Cancel();
    }

    /// <summary>What a receive on a lease that is over throws.</summary>
    public Exception Ended() => _disposed ? new ObjectDisposedException(nameof(IWorkReceiver)) : new LeaseLostException(WorkerId);

    private static StoredMessage StoredOf(ReceivedMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return message.Token as StoredMessage
            ?? throw new ArgumentException($"Message '{message.Id}' did not come from this queue.", nameof(message));
    }

    private static async ValueTask<IReadOnlyList<ReceivedMessage>> WaitAsync(ReceiveWaiter waiter, CancellationToken cancellationToken)
    {
        using var cancellation = cancellationToken.UnsafeRegister(
            static (state, token) => ((ReceiveWaiter)state!).Channel.StopWaiting((ReceiveWaiter)state, token), waiter);
        return Open(waiter.Channel.Name, await waiter.Task.ConfigureAwait(false));
    }

    private static ReceivedMessage[] Open(ChannelName channel, StoredMessage[] claims)
    {
        var messages = new ReceivedMessage[claims.Length];
        for (var i = 0; i < messages.Length; i++)
            messages[i] = new ReceivedMessage(channel, EnvelopeFormat.Decode(claims[i].Bytes), claims[i]);
        return messages;
    }
}
