using Runnel.Layers;
using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
using Runnel.Redis.Sending;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Receiving;

/// <summary>One worker at one channel: gathers what is to be settled and who waits for messages, and does all of it in one step after another.</summary>
/// <remarks>
/// One step is on its way at a time, and is repeated until it is answered: a claim lives as long as the worker, so a settlement must not get lost. What
/// is handed in meanwhile goes along with the next one.
/// </remarks>
internal sealed class WorkerChannel(LeaseTerm term, RedisChannel channel, RedisStore store, RedisBells bells) : IChannelListener
{
    private const int MostClaims = 256;
    private const int MostSettlements = 512;
    private const int MostBytes = 1024 * 1024; // of either: others share the connection, and wait behind a step
    private static readonly TimeSpan AfterRefusal = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Queue<Settlement> _settlements = new();
    private readonly LinkedList<ReceiveRequest> _receivers = new();
    private Task _stepping = Task.CompletedTask;
    private Exception? _ended;
    private Exception? _lost;
    private bool _isStepping;
    private bool _isToLook;
    private bool _mayBeDone;
    private bool _hasJoined;
    private long _steps;

    /// <summary>Whether somebody waits for messages.</summary>
    public bool IsWaiting => Volatile.Read(ref _ended) is null && _receivers.Count > 0;

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
    public Task EndAsync(Exception reason)
    {
        lock (_lock)
            _ended ??= reason;
        EndWaits(reason);
        channel.Remove(this);
        return EndStepsAsync();
    }

    private async Task EndStepsAsync()
    {
        await _stepping.ConfigureAwait(false);
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
            writer.Add(term.Name);
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

    private void StepIfNeeded()
    {
        if (_isStepping || !(_isToLook || _settlements.Count > 0))
            return;
        _isStepping = true;
        _stepping = Task.Run(StepAllAsync);
    }

    private async Task StepAllAsync()
    {
        while (true)
        {
            List<Settlement> settlements = [];
            int most;
            lock (_lock)
            {
                for (var bytes = 0; settlements.Count < MostSettlements && bytes < MostBytes && _settlements.TryDequeue(out var settlement); bytes += settlement.Bytes)
                    settlements.Add(settlement);
                most = _isToLook ? Math.Min(_receivers.Sum(static request => request.Max), MostClaims) : 0;
                _isToLook = false;
                _isStepping = settlements.Count > 0 || most > 0;
                if (!_isStepping)
                    return;
            }
            if (most > 0)
                bells.Listen(channel); // before looking: what comes in after the look is heard
            try
            {
                await StepAsync(settlements, most).ConfigureAwait(false);
                store.Outage.NotRefused(this);
            }
            catch (Exception exception)
            {
                await FailAsync(settlements, exception).ConfigureAwait(false);
            }
        }
    }

    private async Task StepAsync(List<Settlement> settlements, int most)
    {
        var (step, asked, sent) = (++_steps, store.TimeProvider.GetTimestamp(), TimeProvider.System.GetTimestamp());
        var answer = (await store.Commands.ExecuteAsync(Encode(settlements, most, step)).ConfigureAwait(false)).Items;
        if (answer.Length == 1)
        {
            term.Lose(); // first: who is told that a message is not its own finds the lease lost, too
            Answer(settlements, static _ => false);
            return;
        }
        if (!_hasJoined)
            term.Join(channel, sent);
        _hasJoined = true;
        var results = answer[0].ToString();
        Answer(settlements, at => results[at] == '1');
        channel.TellExpired(answer[2].AsNumber());
        if (most == 0)
            return;
        Distribute(answer.AsSpan(3), step);
        if (IsWaiting)
            channel.LookIn(answer[1].AsNumber(), asked);
        if (answer.Length > 3)
            channel.Sender.RoomMayBe();
    }

    private RedisCommand Encode(List<Settlement> settlements, int most, long step)
    {
        settlements.Sort(static (a, b) => (a.Arguments > 0).CompareTo(b.Arguments > 0)); // those first that are simply completed
        var plain = settlements.TakeWhile(static settlement => settlement.Arguments == 0).Count();
        var writer = channel.Begin(RedisScript.Step, 7 + plain + settlements.Sum(static settlement => settlement.Arguments));
        var repeatMark = writer.NextShortPart;
        writer.Add(_mayBeDone ? "1"u8 : "0"u8);
        _mayBeDone = false;
        writer.Add(term.Name);
        writer.Add(step);
        writer.Add(most);
        writer.Add(MostBytes);
        writer.Add(_hasJoined ? 0 : (long)term.Duration.TotalMicroseconds);
        writer.Add(plain);
        foreach (var settlement in settlements)
        {
            if (settlement.Arguments == 0)
                settlement.Claim.AddField(writer);
            else
                settlement.Write(writer);
        }
        return new RedisCommand(writer.Written, repeatMark) { IsPatient = true };
    }

    private static void Answer(List<Settlement> settlements, Func<int, bool> result)
    {
        for (var i = 0; i < settlements.Count; i++)
            settlements[i].TrySetResult(result(i));
    }

    private void Distribute(ReadOnlySpan<RespValue> found, long step)
    {
        var messages = new Queue<ReceivedMessage>(found.Length / 2);
        for (var i = 0; i < found.Length; i += 2)
        {
            if (Read(found[i + 1].Bytes, step, (i / 2) + 1) is { } message)
                messages.Enqueue(message);
        }
        while (messages.Count > 0 && TakeReceiver() is { } receiver)
        {
            List<ReceivedMessage> share = [];
            while (share.Count < receiver.Max && messages.TryDequeue(out var message))
                share.Add(message);
            if (receiver.TrySetResult(share))
                continue;
            foreach (var message in share)
                messages.Enqueue(message); // its receiver left just now
        }
        foreach (var message in messages)
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

    private ReceivedMessage? Read(byte[] entry, long step, int place)
    {
        var claim = new RedisClaim(term, channel.Name, step, place, Entry.KeyOf(entry));
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
    private async Task FailAsync(List<Settlement> settlements, Exception exception)
    {
        if (exception is ObjectDisposedException)
        {
            foreach (var settlement in settlements)
                settlement.TrySetException(exception);
            _ = EndAsync(exception);
            return;
        }
        store.Outage.Refused(this, exception);
        while (TakeReceiver() is { } receiver)
            receiver.TrySetException(exception);
        lock (_lock)
        {
            // The worker lives, so its claims would too: what is not settled now has to be later.
            foreach (var settlement in settlements)
                _settlements.Enqueue(settlement);
            _mayBeDone = settlements.Count > 0;
        }
        if (settlements.Count > 0)
            await Task.Delay(AfterRefusal, TimeProvider.System).ConfigureAwait(false);
    }
}
