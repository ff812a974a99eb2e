using System.Text;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Workers.Channels;
using Runnel.Workers.Jobs;

namespace Runnel.Workers.Recurring;

/// <summary>One recurring message: fires each tick that is due, and remembers the last one. One loop uses it, and does not wait for it.</summary>
internal sealed class RecurringTicker(RecurringMessage message, ChannelSender sender, IStateStore states, TimeProvider timeProvider, ILogger logger)
{
    private static readonly TimeSpan Remembered = TimeSpan.FromDays(365);
    private static readonly TimeSpan Window = TimeSpan.FromHours(1); // between the first node that fires a tick and the last

    private RecurringTick? _last;
    private RecurringTick? _unremembered; // fired by this node
    private TimeSpan _restAfterFailure = RecurringRest.Shortest;
    private TimeSpan _rest;
    private long _restsSince;
    private bool _hasFailed;

    /// <summary>What the last look has begun.</summary>
    public Task Looking { get; private set; } = Task.CompletedTask;

    /// <summary>Whether no tick will ever follow.</summary>
    public bool HasEnded => Looking.IsCompleted && _unremembered is null && _last is { } last && message.Schedule.NextAfter(last.At) is null;

    /// <summary>How long to wait for the next look at the most; <see langword="null"/> while the last one goes on.</summary>
    public TimeSpan? Rest => !Looking.IsCompleted ? null : _rest - timeProvider.GetElapsedTime(_restsSince) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    private string Name => "recurring." + message.Name;

    /// <summary>Fires the tick that is due, if one is.</summary>
    public void Look(DateTimeOffset now, CancellationToken stopping)
    {
        if (Looking.IsCompleted && (!_hasFailed || Rest == TimeSpan.Zero))
            Looking = LookAsync(now, stopping);
    }

    private async Task LookAsync(DateTimeOffset now, CancellationToken stopping)
    {
        var succeeded = await TryAsync(FireDueAsync, Log.RecurringFailed);
        succeeded &= await TryAsync(RememberFiredAsync, Log.RecurringNotRemembered); // also when the next tick could not be sent
        (_hasFailed, _rest, _restAfterFailure) = succeeded
            ? (false, _rest, RecurringRest.Shortest)
            : (true, _restAfterFailure, RecurringRest.Longer(_restAfterFailure));
        _restsSince = timeProvider.GetTimestamp();

        async ValueTask<bool> TryAsync(Func<DateTimeOffset, CancellationToken, ValueTask> step, Action<ILogger, Exception, string, ChannelName> tell)
        {
            try
            {
                await step(now, stopping);
                return true;
            }
            catch (Exception exception) when (exception is not OperationCanceledException || !stopping.IsCancellationRequested)
            {
                tell(logger, exception, message.Name, message.Channel);
                return false;
            }
        }
    }

    private async ValueTask FireDueAsync(DateTimeOffset now, CancellationToken stopping)
    {
        _last = _last is null ? await StartAsync(now, stopping) : await FollowClockAsync(_last, now, stopping);
        _rest = TimeSpan.Zero;
        if (message.Schedule.NextAfter(_last.At) is not { } next)
            return;
        if (next <= now)
            await FireAsync(_last with { At = message.Schedule.LatestUntil(now, next) }, now, stopping);
        else
            _rest = RecurringRest.Before(next - now);
    }

    // Ticks missed while no node ran are made up for, by the latest of them.
    private async ValueTask<RecurringTick> StartAsync(DateTimeOffset now, CancellationToken stopping)
    {
        if (await LastFiredAsync(stopping) is { } last)
        {
            if (message.Schedule.NextAfter(last.At) <= now)
                Log.RecurringCaughtUp(logger, message.Name, last.At);
            return last;
        }
        // A new name catches nothing up; but from now on its ticks are missed when nobody is there.
        var first = new RecurringTick(now, Era: 0);
        await RememberAsync(first, stopping);
        return first;
    }

    // A clock that was set back comes to ticks a second time. To wait until it is where it was would be to stand still; so they are ticks of a new era.
    private async ValueTask<RecurringTick> FollowClockAsync(RecurringTick last, DateTimeOffset now, CancellationToken stopping)
    {
        if (!IsSetBack(last, now))
            return last;
        // Another node may have noticed before. All come to the same number, so that of each tick one is kept.
        last = await LastFiredAsync(stopping) ?? last;
        if (!IsSetBack(last, now))
            return last;
        Log.RecurringClockSetBack(logger, message.Name, last.At, now);
        return new RecurringTick(now, last.Era + 1);
    }

    // Less than a tick does not matter: the next one comes when it would have come anyway.
    private bool IsSetBack(RecurringTick last, DateTimeOffset now) => message.Schedule.NextAfter(now) < last.At;

    private async ValueTask FireAsync(RecurringTick tick, DateTimeOffset now, CancellationToken stopping)
    {
        if (await LaterThanAsync(tick, now, stopping) is { } later)
        {
            _last = later;
            return;
        }
        await message.Send(sender, new SendOptions { DeduplicationId = tick.IdOf(message.Name), DeduplicationWindow = Window }, stopping);
        // Not before, so that a tick whose message could not be sent is tried again. And not later: if the tick cannot be remembered, its message is stored all the same.
        (_last, _unremembered) = (tick, tick);
    }

    // Not given up when the application stops: the next start would catch up a tick that was fired.
    private async ValueTask RememberFiredAsync(DateTimeOffset now, CancellationToken stopping)
    {
        if (_unremembered is not { } fired)
            return;
        if (await LaterThanAsync(fired, now, CancellationToken.None) is null)
            await RememberAsync(fired, CancellationToken.None);
        _unremembered = null;
    }

    // The channel keeps one message of a tick for the window only. If the tick is older than half of that, another node may have fired it so long ago that the channel would take a second.
    private async ValueTask<RecurringTick?> LaterThanAsync(RecurringTick tick, DateTimeOffset now, CancellationToken stopping) =>
        now - tick.At > Window / 2 && await LastFiredAsync(stopping) is { } fired && fired.IsAtOrAfter(tick) ? fired : null;

    private ValueTask RememberAsync(RecurringTick tick, CancellationToken stopping) => states.SetAsync(Name, Encoding.UTF8.GetBytes(tick.ToString()), Remembered, stopping);

    private async ValueTask<RecurringTick?> LastFiredAsync(CancellationToken stopping) =>
        await states.GetAsync(Name, stopping) is { } last ? RecurringTick.Parse(Encoding.UTF8.GetString(last.Value.Span)) : null;
}
