using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel.Workers;

/// <summary>Takes one channel's messages, as many as its handlers have room for, and runs them side by side.</summary>
/// <remarks>
/// Short handlers are kept fed with some messages more than run, long ones are not: what is taken and not begun could run elsewhere.
/// Receiving that fails is tried again, for ever: a channel never goes deaf.
/// </remarks>
internal sealed class ChannelListener(ChannelDefinition channel, IWorkerLease lease, JobRunner runner, SemaphoreSlim? threads, TimeProvider timeProvider, ILogger logger)
{
    private const int MaxPrefetch = 256;
    private const int MaxUnsettled = 2048;
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Queue<ReceivedMessage> _taken = new();
    private readonly int _concurrency = channel.Options.Concurrency;
    private TaskCompletionSource? _roomWanted;
    private TaskCompletionSource? _idleWanted;
    private double _averageMilliseconds = double.NaN;
    private int _running;
    private int _unsettled;

    /// <summary>How many handlers run.</summary>
    public int Running
    {
        get
        {
            lock (_lock)
                return _running;
        }
    }

    /// <summary>Receives until told to stop or until the lease is lost; then hands back what has not begun.</summary>
    public async Task ReceiveAsync(CancellationToken stopping)
    {
        var retry = FirstRetry;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var room = await WaitForRoomAsync(stopping);
                Start(await lease.ReceiveAsync(channel.Name, room, stopping));
                retry = FirstRetry;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                break;
            }
            catch (LeaseLostException)
            {
                break; // the worker begins anew
            }
            catch (Exception exception)
            {
                Log.ReceiveFailed(logger, exception, channel.Name, retry);
                await Task.Delay(retry, timeProvider, stopping).ContinueWith(static _ => { }, TaskScheduler.Default);
                retry = retry * 2 < LastRetry ? retry * 2 : LastRetry;
            }
        }
        await HandBackAsync();
    }

    /// <summary>Completes when no handler runs and nothing waits to be settled.</summary>
    public Task WaitUntilIdleAsync()
    {
        lock (_lock)
        {
            if (_running == 0 && _unsettled == 0)
                return Task.CompletedTask;
            return (_idleWanted ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>How many messages to ask for; 0 for none yet. In portions: half of the prefetch at least, so that a trip to the layer is worth it.</summary>
    private int Room
    {
        get
        {
            var prefetch = _averageMilliseconds < Short.TotalMilliseconds ? MaxPrefetch : 0;
            var free = _concurrency + prefetch - _running - _taken.Count;
            return free >= prefetch / 2 && _unsettled < MaxUnsettled ? Math.Max(free, 0) : 0;
        }
    }

    private async ValueTask<int> WaitForRoomAsync(CancellationToken stopping)
    {
        while (true)
        {
            Task room;
            lock (_lock)
            {
                if (Room is > 0 and var free)
                    return free;
                _roomWanted = new(TaskCreationOptions.RunContinuationsAsynchronously);
                room = _roomWanted.Task;
            }
            await room.WaitAsync(stopping);
        }
    }

    private void Start(IReadOnlyList<ReceivedMessage> messages)
    {
        lock (_lock)
        {
            foreach (var message in messages)
                _taken.Enqueue(message);
            for (var wanted = Math.Min(_concurrency - _running, _taken.Count); wanted > 0; wanted--)
            {
                _running++;
                _ = Task.Run(RunAllAsync);
            }
        }
    }

    // One of up to Concurrency that run side by side: handles one message after another until none is left.
    private async Task RunAllAsync()
    {
        var took = TimeSpan.Zero;
        for (var message = TakeFirst(); message is not null; message = TakeNext(took))
        {
            if (threads is not null)
                await threads.WaitAsync();
            var began = timeProvider.GetTimestamp();
            var settling = await runner.RunAsync(message);
            took = timeProvider.GetElapsedTime(began);
            threads?.Release();
            if (!settling.IsCompleted)
                Await(settling);
        }
    }

    private ReceivedMessage? TakeFirst()
    {
        lock (_lock)
            return Take();
    }

    // In one go with what there is to note of the message before: this lock is on the way of every message.
    private ReceivedMessage? TakeNext(TimeSpan took)
    {
        lock (_lock)
        {
            _averageMilliseconds = double.IsNaN(_averageMilliseconds) ? took.TotalMilliseconds : (_averageMilliseconds * 0.9) + (took.TotalMilliseconds * 0.1);
            return Take();
        }
    }

    private ReceivedMessage? Take()
    {
        if (!_taken.TryDequeue(out var message))
            _running--;
        SignalRoom();
        SignalIdle();
        return message;
    }

    private void Await(Task settling)
    {
        lock (_lock)
            _unsettled++;
        settling.ContinueWith(
            static (_, state) => ((ChannelListener)state!).AfterSettled(), this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private void AfterSettled()
    {
        lock (_lock)
        {
            _unsettled--;
            SignalRoom();
            SignalIdle();
        }
    }

    // Not for every message: the loop that receives would wake in vain.
    private void SignalRoom()
    {
        if (_roomWanted is null || Room == 0)
            return;
        _roomWanted.TrySetResult();
        _roomWanted = null;
    }

    private void SignalIdle()
    {
        if (_running == 0 && _unsettled == 0)
            _idleWanted?.TrySetResult();
    }

    private async Task HandBackAsync()
    {
        List<ReceivedMessage> unbegun;
        lock (_lock)
        {
            unbegun = [.. _taken];
            _taken.Clear();
        }
        try
        {
            await Task.WhenAll(unbegun.Select(message => lease.AbandonAsync(message, AbandonOptions.Untouched).AsTask()));
        }
        catch (Exception exception)
        {
            Log.ReceiveFailed(logger, exception, channel.Name, TimeSpan.Zero); // the lease's end hands them back
        }
    }
}
