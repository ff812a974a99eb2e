using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Workers.Jobs;

namespace Runnel.Workers.Running;

/// <summary>Takes one channel's messages, as many as its handlers have room for, and runs them side by side.</summary>
/// <remarks>
/// Short handlers are kept fed with some messages more than run, long ones are not: what is taken and not begun could run elsewhere. So what waits
/// behind a handler that turns out to be long is given back. A message that a worker has died with runs alone, so that nothing becomes a dead letter
/// because it was taken together with what kills workers.
/// Receiving that fails is tried again, for ever: a channel never goes deaf.
/// </remarks>
internal sealed partial class ChannelListener(
    ChannelName channel, int concurrency, int maxPrefetch, IWorkReceiver receiver, JobRunner runner, SemaphoreSlim? threads, SemaphoreSlim suspects, TimeProvider timeProvider, ILogger logger)
{
    private const int MaxUnsettled = 2048;
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Queue<JobContext> _taken = new();
    private TaskCompletionSource? _roomWanted;
    private TaskCompletionSource? _idleWanted;
    private ITimer? _watch;
    private Action? _afterOneSettled;
    private double _averageMilliseconds = double.NaN;
    private long _finished;
    private long _finishedBefore;
    private int _runners;
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

    // How many messages to ask for. In portions: half of the prefetch at least, so that a trip to the layer is worth it; until then, none.
    private int Room
    {
        get
        {
            var prefetch = _averageMilliseconds < Short.TotalMilliseconds ? maxPrefetch : 0;
            var free = concurrency + prefetch - _running - _taken.Count;
            return free > 0 && free >= prefetch / 2 && _unsettled < MaxUnsettled ? free : 0;
        }
    }

    /// <summary>How many messages wait for the layer to confirm what became of them.</summary>
    public int Unsettled
    {
        get
        {
            lock (_lock)
                return _unsettled;
        }
    }

    /// <summary>Receives until told to stop or until the lease is lost; then begins to hand back what has not begun.</summary>
    /// <returns>Whether the layer said here that the lease is lost, which it may do before it cancels <see cref="IWorkReceiver.Lost"/>.</returns>
    public async Task<bool> ReceiveAsync(CancellationToken stopping)
    {
        var (retry, isCareful, isLost) = (FirstRetry, false, false);
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var room = await WaitForRoomAsync(stopping);
                // What is taken by a lease that may be lost is not begun, and would be given back and taken again without a rest.
                if (!receiver.IsHeld)
                    await Task.Delay(FirstRetry, timeProvider, stopping);
                // More than one that has to run alone would only be given back.
                var messages = await receiver.ReceiveAsync(channel, isCareful ? 1 : room, stopping);
                isCareful = HasSuspect(messages);
                if (isCareful)
                    await IsolateAsync(messages, stopping);
                else
                    Start(messages, stopping);
                retry = FirstRetry;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                break;
            }
            catch (LeaseLostException)
            {
                isLost = true;
                break; // the worker begins anew
            }
            catch (Exception exception)
            {
                Log.ReceiveFailed(logger, exception, channel, retry);
                await Task.Delay(retry, timeProvider, stopping).ContinueWith(static _ => { }, TaskScheduler.Default);
                retry = retry * 2 < LastRetry ? retry * 2 : LastRetry;
            }
        }
        HandBack();
        return isLost;
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

    private void Start(IReadOnlyList<ReceivedMessage> messages, CancellationToken stopping)
    {
        var now = timeProvider.GetTimestamp();
        lock (_lock)
        {
            for (var i = 0; i < messages.Count; i++)
                _taken.Enqueue(runner.Take(messages[i], now));
            StartRunners(stopping);
        }
    }

    // Called with the lock held.
    private void StartRunners(CancellationToken stopping)
    {
        for (var wanted = Math.Min(concurrency - _runners, _taken.Count); wanted > 0; wanted--)
        {
            _runners++;
            _ = Task.Run(() => RunAllAsync(stopping), CancellationToken.None);
        }
        Watch();
    }

    // One of up to Concurrency that run side by side: handles one message after another until none is left. The thread comes first and then the
    // message: what waits for a thread has not begun, and can still be handed back.
    private async Task RunAllAsync(CancellationToken stopping)
    {
        var began = timeProvider.GetTimestamp();
        while (threads is null || await EnterAsync(threads, stopping))
        {
            var (job, isRoom) = (TryTake(stopping), false);
            if (job is not null)
            {
                // One follows the other at once, so that the end of one is the beginning of the next; unless it waited for a thread.
                began = threads is null ? began : timeProvider.GetTimestamp();
                var settling = await runner.RunAsync(job);
                var ended = timeProvider.GetTimestamp();
                isRoom = AfterRun(timeProvider.GetElapsedTime(began, ended), settling);
                AfterSuspect(job, settling);
                began = ended;
            }
            threads?.Release();
            if (job is null)
                return;
            if (!isRoom)
                continue;
            // Handlers that never wait keep the thread: the next messages are asked for now, and come while those that are left are handled.
            await Task.Yield();
            began = timeProvider.GetTimestamp();
        }
    }

    private static async ValueTask<bool> EnterAsync(SemaphoreSlim threads, CancellationToken stopping)
    {
        try
        {
            await threads.WaitAsync(stopping);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false; // nothing is begun any more, so that nobody asks for this one's place
        }
    }

    private JobContext? TryTake(CancellationToken stopping)
    {
        lock (_lock)
        {
            if (!stopping.IsCancellationRequested && _taken.TryDequeue(out var job))
            {
                _running++;
                return job;
            }
            _runners--;
            return null;
        }
    }

    // Whether somebody waited for room, and there is some now.
    private bool AfterRun(TimeSpan took, Task settling)
    {
        bool isRoom;
        lock (_lock)
        {
            _running--;
            _finished++;
            _averageMilliseconds = double.IsNaN(_averageMilliseconds) ? took.TotalMilliseconds : (_averageMilliseconds * 0.9) + (took.TotalMilliseconds * 0.1);
            isRoom = SignalRoom();
            if (settling.IsCompleted)
            {
                SignalIdle();
                return isRoom;
            }
            _unsettled++;
        }
        settling.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_afterOneSettled ??= () => AfterSettled(1)); // makes nothing, as ContinueWith would
        return isRoom;
    }

    private void AfterSettled(int count)
    {
        lock (_lock)
        {
            _unsettled -= count;
            SignalRoom();
            SignalIdle();
        }
    }

    // Woken for nothing, the receiving loop would look after every message.
    private bool SignalRoom()
    {
        if (_roomWanted is null || Room == 0)
            return false;
        _roomWanted.TrySetResult();
        _roomWanted = null;
        return true;
    }

    private void SignalIdle()
    {
        if (_running == 0 && _unsettled == 0)
            _idleWanted?.TrySetResult();
    }

    // What is taken and not begun, and has seen nothing finish for a while, waits behind handlers that are not so short after all.
    private void Watch()
    {
        if (_taken.Count == 0)
            return;
        _finishedBefore = _finished;
        _watch ??= timeProvider.CreateTimer(static state => ((ChannelListener)state!).LookForStalled(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _watch.Change(Patience, Timeout.InfiniteTimeSpan);
    }

    private void LookForStalled()
    {
        List<JobContext> stalled;
        lock (_lock)
        {
            if (_finished != _finishedBefore)
            {
                Watch();
                return;
            }
            stalled = TakeBack();
        }
        _ = GiveBack(stalled);
    }

    private Task GiveBack(List<JobContext> unbegun) => unbegun.Count == 0
        ? Task.CompletedTask
        : GiveBackAsync(unbegun).ContinueWith(_ => AfterSettled(unbegun.Count), TaskScheduler.Default);

    // Nobody waits for it here: a layer that does not answer would hold up the worker for longer than its grace.
    private void HandBack()
    {
        List<JobContext> unbegun;
        lock (_lock)
        {
            unbegun = TakeBack();
            _watch?.Dispose();
        }
        _ = GiveBack(unbegun);
    }

    // Called with the lock held, and followed by GiveBack. No more is taken than runs, until handlers have been short for a while.
    private List<JobContext> TakeBack()
    {
        List<JobContext> unbegun = [.. _taken];
        _taken.Clear();
        _averageMilliseconds = Math.Max(double.IsNaN(_averageMilliseconds) ? 0 : _averageMilliseconds, Patience.TotalMilliseconds);
        _unsettled += unbegun.Count;
        return unbegun;
    }

    private async Task GiveBackAsync(List<JobContext> unbegun)
    {
        try
        {
            await Task.WhenAll(unbegun.Select(runner.GiveBackAsync));
        }
        catch (Exception exception)
        {
            Log.ReceiveFailed(logger, exception, channel, TimeSpan.Zero); // the lease's end hands them back
        }
        unbegun.ForEach(job => AfterSuspect(job, Task.CompletedTask));
    }
}
