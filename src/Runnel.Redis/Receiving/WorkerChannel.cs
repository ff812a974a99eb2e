using Runnel.Layers;
using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
using Runnel.Redis.Sending;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Receiving;

/// <summary>One worker at one channel: gathers what is to be settled and who waits for messages, and does all of it in steps.</summary>
/// <remarks>
/// A step is repeated until it is answered: a claim lives as long as the worker, so a settlement must not get lost. What is handed in while a step is on
/// its way goes along with the next one. Only a claim does not wait for those that settle: two steps are on their way at most, and one of them claims.
/// Redis does them in the order sent, also when they are repeated.
/// </remarks>
internal sealed partial class WorkerChannel(LeaseTerm term, RedisChannel channel, RedisStore store, RedisBells bells) : IChannelListener
{
    private static readonly TimeSpan AfterRefusal = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Queue<Settlement> _settlements = new();
    private readonly LinkedList<ReceiveRequest> _receivers = new();
    private TaskCompletionSource? _idleWanted;
    private Exception? _ended;
    private Exception? _lost;
    private bool _hasJoined;
    private bool _isToLook;
    private bool _isStarting;
    private bool _isClaiming;
    private int _underWay;
    private int _resting;
    private long _steps;

    /// <summary>Whether somebody waits for messages.</summary>
    public bool IsWaiting => Volatile.Read(ref _ended) is null && _receivers.Count > 0;

    // A channel that does not know the worker yet is told once, by the first step.
    private bool MayClaim => _isToLook && !_isClaiming && (_hasJoined || _underWay == 0);

    private bool MaySettle => _settlements.Count > 0 && _underWay == 0;

    private bool IsIdle => _underWay == 0 && _resting == 0 && !_isStarting && !_isClaiming && _settlements.Count == 0;

    public Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync(int max, CancellationToken cancellationToken)
    {
        var request = new ReceiveRequest(max);
        lock (_lock)
        {
            if ((_ended ?? _lost) is { } reason)
                throw reason;
            _receivers.AddLast(request);
            _isToLook = true;
            StepIfNeeded();
        }
        if (!cancellationToken.CanBeCanceled)
            return request.Task;
        var registration = cancellationToken.Register(() => Cancel(request, cancellationToken));
        request.Task.ContinueWith(static (_, state) => ((IDisposable)state!).Dispose(), registration, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return request.Task;
    }

    public Task<bool> SettleAsync(Settlement settlement)
    {
        lock (_lock)
        {
            if (_ended is not null)
                return Task.FromResult(false);
            _settlements.Enqueue(settlement);
            StepIfNeeded();
        }
        return settlement.Task;
    }

    /// <summary>There may be messages.</summary>
    public void Look()
    {
        lock (_lock)
        {
            _isToLook = _receivers.Count > 0;
            StepIfNeeded();
        }
    }

    /// <summary>Hands out nothing more, and ends all waits with the reason. What was handed out can still be settled, if it is still the worker's.</summary>
    public void Lose(Exception reason)
    {
        lock (_lock)
            _lost ??= reason;
        EndWaits(reason);
    }

    /// <summary>Ends all waits with the reason, once what is under way has arrived; nothing can be settled any more.</summary>
    public async Task EndAsync(Exception reason)
    {
        Task idle;
        lock (_lock)
        {
            _ended ??= reason;
            idle = IsIdle ? Task.CompletedTask : (_idleWanted ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        EndWaits(reason);
        channel.Remove(this);
        await idle.ConfigureAwait(false);
        store.Outage.NotRefused(this);
    }

    /// <summary>Gives back at once what the worker has not settled.</summary>
    public async Task LeaveAsync()
    {
        if (_steps == 0)
            return;
        for (var holdsMore = true; holdsMore;)
        {
            var writer = channel.Begin(RedisScript.Leave, arguments: 1);
            writer.Add(term.WorkerId);
            var answer = (await store.Commands.ExecuteAsync(new RedisCommand(writer.Written, repeatMark: -1)).ConfigureAwait(false)).Items;
            channel.TellExpired(answer[0].AsNumber());
            holdsMore = answer[1].AsNumber() == 1;
        }
    }

    private void EndWaits(Exception reason)
    {
        while (TakeReceiver() is { } request)
            request.TrySetException(reason);
    }

    private void Cancel(ReceiveRequest request, CancellationToken cancellationToken)
    {
        lock (_lock)
            _receivers.Remove(request);
        request.TrySetCanceled(cancellationToken);
    }

    // Called with the lock held.
    private void StepIfNeeded()
    {
        if (!_isStarting && _resting == 0 && (MayClaim || MaySettle))
        {
            _isStarting = true;
            _ = Task.Run(StepAsync);
        }
        else if (_idleWanted is not null && IsIdle)
        {
            _idleWanted.TrySetResult();
        }
    }

    private async Task StepAsync()
    {
        if (TakeStep() is not { } step)
            return;
        var (asked, sent) = (store.TimeProvider.GetTimestamp(), TimeProvider.System.GetTimestamp());
        RespValue[] answer;
        try
        {
            if (step.Claims)
                bells.Listen(channel); // before looking: what comes in after the look is heard
            answer = (await store.Commands.ExecuteAsync(step.Encode(channel, term)).ConfigureAwait(false)).Items;
        }
        catch (Exception exception)
        {
            await FailAsync(step, sent, exception).ConfigureAwait(false);
            return;
        }
        try
        {
            Arrive(wasLost: answer.Length == 1, sent);
            Take(step, answer, asked);
            store.Outage.NotRefused(this);
        }
        finally
        {
            End(step);
        }
    }

    private WorkerStep? TakeStep()
    {
        lock (_lock)
        {
            _isStarting = false;
            if (_resting > 0)
                return null;
            var (most, joins) = (0, !_hasJoined);
            if (MayClaim)
            {
                most = Math.Min(_receivers.Sum(static request => request.Max), WorkerStep.MostClaims);
                _isToLook = false;
            }
            if (most == 0 && !MaySettle)
            {
                StepIfNeeded(); // which tells those who wait for that
                return null;
            }
            _underWay++;
            _isClaiming |= most > 0;
            return new WorkerStep(++_steps, TakeSettlements(), most, joins);
        }
    }

    private List<Settlement> TakeSettlements()
    {
        List<Settlement> taken = [];
        for (var (bytes, weight) = (0, 0); weight < WorkerStep.MostSettlements && bytes < WorkerStep.MostBytes && _settlements.TryPeek(out var settlement);)
        {
            if (settlement.MayBeDone != (taken.FirstOrDefault() ?? settlement).MayBeDone)
                break; // what is missing of those that may be done counts as done
            taken.Add(_settlements.Dequeue());
            bytes += settlement.Bytes;
            weight += settlement.Weight;
        }
        return taken;
    }

    // The next one that settles begins at once, while what has been claimed is being read.
    private void Arrive(bool wasLost, long sent)
    {
        if (!wasLost && !_hasJoined)
            term.Join(channel, sent);
        lock (_lock)
        {
            _hasJoined |= !wasLost;
            _underWay--;
            StepIfNeeded();
        }
    }

    // The next one that claims begins when what this one has claimed is handed out: in the order of the line, and no more than is wanted.
    private void End(WorkerStep step)
    {
        lock (_lock)
        {
            if (step.Claims)
                _isClaiming = false;
            StepIfNeeded();
        }
    }

    private void Take(WorkerStep step, RespValue[] answer, long asked)
    {
        if (answer.Length == 1)
        {
            term.Lose(); // first: who is told that a message is not its own finds the lease lost, too
            step.AnswerLost();
            return;
        }
        step.Answer(answer[0].Bytes);
        Forget(step.Settlements);
        channel.TellExpired(answer[2].AsNumber());
        if (!step.Claims)
            return;
        Distribute(answer.AsSpan(3), step.Number);
        if (IsWaiting)
            channel.LookIn(answer[1].AsNumber(), asked);
        if (answer.Length > 3)
            channel.Sender.RoomMayBe();
    }

    private void Distribute(ReadOnlySpan<RespValue> found, long step)
    {
        var messages = new List<ReceivedMessage>(found.Length);
        var claims = Remember(found, step);
        for (var i = 0; i < found.Length; i++)
        {
            if (Read(found[i].Bytes, claims[i]) is { } message)
                messages.Add(message);
        }
        var given = ReceiveRequest.Distribute(messages, TakeReceiver);
        foreach (var message in messages[given..])
            _ = SettleAsync(new Settlement.Abandon((RedisClaim)message.Token!, AbandonOptions.Untouched, payload: null));
    }

    private ReceiveRequest? TakeReceiver()
    {
        lock (_lock)
        {
            if (_receivers.First is not { Value: var first })
                return null;
            _receivers.RemoveFirst();
            return first;
        }
    }

    private ReceivedMessage? Read(byte[] entry, RedisClaim claim)
    {
        try
        {
            return new ReceivedMessage(channel.Name, Entry.Decode(entry, store.Sealing, channel.Name.Value), claim);
        }
        catch (FormatException exception)
        {
            // Put aside, where an operator sees it: nobody here can handle it, and it must not be in the way of the others.
            Log.Unreadable(store.Logger, exception);
            _ = SettleAsync(new Settlement.DeadLetter(claim, DeadLetterReason.Unreadable, DeadLetters.EncodeError(exception.Message, store.Sealing, channel.Name)));
            return null;
        }
    }

    // Redis refused the step, such as for want of memory, or the layer ends.
    private async Task FailAsync(WorkerStep step, long sent, Exception exception)
    {
        var isOver = exception is ObjectDisposedException;
        if (isOver)
            step.Fail(exception);
        else
            store.Outage.Refused(this, sent, exception);
        if (step.Claims || isOver)
            EndWaits(exception);
        var rests = !isOver && step.Settlements.Count > 0;
        lock (_lock)
        {
            // The worker lives, so its claims would too: what is not settled now has to be later.
            foreach (var settlement in rests ? step.Settlements : [])
            {
                settlement.MayBeDone = true;
                _settlements.Enqueue(settlement);
            }
            _resting += rests ? 1 : 0;
            _underWay--;
        }
        End(step);
        if (isOver)
            await EndAsync(exception).ConfigureAwait(false);
        if (rests)
            await RestAsync().ConfigureAwait(false);
    }

    private async Task RestAsync()
    {
        await Task.Delay(AfterRefusal, TimeProvider.System).ConfigureAwait(false);
        lock (_lock)
        {
            _resting--;
            StepIfNeeded();
        }
    }
}
