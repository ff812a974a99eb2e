using RabbitMQ.Client;

namespace Runnel.RabbitMQ.Receiving;

/// <summary>Acknowledges what an AMQP channel was handed: messages that are settled at about the same time go together, since each acknowledgement costs the broker a write.</summary>
/// <remarks>One acknowledgement stands for all messages before the first that is open; those behind it have one each. Nothing waits for more to come. Thread-safe.</remarks>
internal sealed class Acknowledgements(IChannel channel)
{
    private readonly Lock _lock = new();
    private readonly SortedSet<ulong> _open = [];
    private List<ulong> _settled = [];
    private ulong _last;
    private TaskCompletionSource? _sent;

    public IChannel Channel => channel;

    /// <summary>A message has come. One that should have come before, and has not, counts as open: it must not be acknowledged with others.</summary>
    public void Open(ulong tag)
    {
        lock (_lock)
        {
            while (_last < tag)
                _open.Add(++_last);
        }
    }

    /// <summary>A message is settled, and acknowledged as soon as a thread is free. Once for each.</summary>
    public void Settle(ulong tag)
    {
        lock (_lock)
        {
            _open.Remove(tag);
            _settled.Add(tag);
            if (_sent is not null)
                return;
            _sent = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        ThreadPool.UnsafeQueueUserWorkItem(static acknowledgements => _ = acknowledgements.SendAsync(), this, preferLocal: false);
    }

    /// <summary>Ends when all that was settled is on its way to the broker.</summary>
    public Task FlushAsync()
    {
        lock (_lock)
            return _sent?.Task ?? Task.CompletedTask;
    }

    private async Task SendAsync()
    {
        try
        {
            while (Next() is { } next)
            {
                if (next.UpTo > 0)
                    await channel.BasicAckAsync(next.UpTo, multiple: true).ConfigureAwait(false);
                foreach (var tag in next.Loose)
                    await channel.BasicAckAsync(tag, multiple: false).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // The channel is closing, for which the client has many exceptions: the broker takes back what it does not know of.
            lock (_lock)
                End();
        }
    }

    private (ulong UpTo, List<ulong> Loose)? Next()
    {
        lock (_lock)
        {
            if (_settled.Count == 0)
            {
                End();
                return null;
            }
            var (settled, firstOpen) = (_settled, _open.Count > 0 ? _open.Min : ulong.MaxValue);
            _settled = [];
            var upTo = 0UL;
            foreach (var tag in settled)
                upTo = tag < firstOpen && tag > upTo ? tag : upTo;
            settled.RemoveAll(tag => tag < firstOpen);
            return (upTo, settled);
        }
    }

    // Under the lock.
    private void End()
    {
        _sent?.TrySetResult();
        _sent = null;
    }
}
