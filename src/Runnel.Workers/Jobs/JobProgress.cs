using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel.Workers.Jobs;

/// <summary>Tells the world of one tracked job: its progress at most 20 times a second, its final state always and last.</summary>
/// <remarks>A worker whose lease may be lost says nothing: the job may be another worker's, and only that one speaks.</remarks>
internal sealed class JobProgress(
    MessageId id, JobStatus first, TimeSpan retention, IWorkReceiver receiver, JobStore store, TimeProvider timeProvider, ILogger logger) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan FirstRest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LastRest = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _ended = new();
    private JobStatus _latest = first;
    private LateState? _late;
    private Task? _pump;
    private bool _dirty;

    /// <summary>Publishes the job's first state of this attempt. What is told of a job must not keep it from running: it fails into the log.</summary>
    public async ValueTask StartAsync()
    {
        _latest = _latest with { Attempt = _latest.Attempt + 1 };
        try
        {
            if (await store.FindAsync(id, CancellationToken.None) is { Status: var before })
                _latest = Continued(before);
            if (receiver.IsHeld)
                await store.PublishAsync(id, _latest, retention);
        }
        catch (Exception exception)
        {
            Log.ProgressNotPublished(logger, exception, id);
        }
    }

    /// <summary>Has a progress published, soon.</summary>
    public void Report(double progress, string? text)
    {
        lock (_lock)
        {
            if (_ended.IsCancellationRequested)
                return;
            _latest = _latest with { Progress = progress, Text = text ?? _latest.Text, UpdatedAt = timeProvider.GetUtcNow() };
            _dirty = true;
            _pump ??= PumpAsync();
        }
    }

    /// <summary>Whether the attempt's last state is final, and could not be published: <see cref="PublishLater"/> has it published as soon as the layer takes it.</summary>
    public bool EndIsLate => _late is not null;

    /// <summary>Publishes the attempt's last state, after all that is still on its way. A layer that is away is waited for; after some seconds, the job goes on without it (<see cref="EndIsLate"/>).</summary>
    /// <param name="end">Makes it of the latest.</param>
    /// <param name="wait">How long the job rests now.</param>
    /// <param name="isOurs">Whether the job is this worker's.</param>
    /// <param name="stopping">The worker has no time to wait.</param>
    /// <returns>Whether the job was this worker's all the time.</returns>
    public async ValueTask<bool> EndAsync(Func<JobStatus, JobStatus> end, TimeSpan wait, Func<bool> isOurs, CancellationToken stopping)
    {
        Task? pump;
        lock (_lock)
        {
            _ended.Cancel();
            pump = _pump;
        }
        if (pump is not null)
            await pump;
        var last = end(_latest) with { UpdatedAt = timeProvider.GetUtcNow() };
        for (var rest = FirstRest; isOurs(); rest *= 2)
        {
            if (await TryPublishAsync(last, wait))
                return true;
            if (rest > LastRest || stopping.IsCancellationRequested)
            {
                _late = last.IsFinal ? new LateState(id, last, retention) : null; // what is not final the next attempt tells
                return true;
            }
            await Task.Delay(rest, timeProvider, stopping).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
        return false;
    }

    // To repeat work because its end cannot be told would be worse than not to tell it.
    private async ValueTask<bool> TryPublishAsync(JobStatus last, TimeSpan wait)
    {
        try
        {
            await store.PublishAsync(id, last, retention, wait);
            return true;
        }
        catch (Exception exception)
        {
            Log.ProgressNotPublished(logger, exception, id);
            return false;
        }
    }

    /// <summary>The message is settled, so the job is over, and nobody else will tell: has its final state published later, if it could not be published in time.</summary>
    public void PublishLater()
    {
        if (_late is not { } late)
            return;
        if (!store.Late.TryAdd(late, out var lostResult))
        {
            WorkerMetrics.StateLost();
            Log.StateLost(logger, null, id, late.Status.State);
        }
        if (lostResult)
            Log.ResultLost(logger, id, store.Late.MostBytes);
    }

    // A job that asks again and again shows how far it was meanwhile; one that is tried again shows why.
    private JobStatus Continued(JobStatus before) => before.State is JobState.Scheduled or JobState.Queued
        ? _latest with { Progress = before.Progress, Text = before.Text, Error = before.Error, ErrorDetail = before.ErrorDetail }
        : _latest with { Error = before.Error, ErrorDetail = before.ErrorDetail };

    /// <inheritdoc/>
    public void Dispose() => _ended.Dispose();

    private async Task PumpAsync()
    {
        await Task.Yield(); // the caller holds the lock
        while (TryTake(out var status))
        {
            try
            {
                if (receiver.IsHeld)
                    await store.PublishAsync(id, status, retention);
                await Task.Delay(Interval, timeProvider, _ended.Token);
            }
            catch (OperationCanceledException)
            {
                return; // what was not published yet is part of the last state
            }
            catch (Exception exception)
            {
                Log.ProgressNotPublished(logger, exception, id);
            }
        }
    }

    private bool TryTake(out JobStatus status)
    {
        lock (_lock)
        {
            status = _latest;
            if (_dirty && !_ended.IsCancellationRequested)
            {
                _dirty = false;
                return true;
            }
            _pump = null;
            return false;
        }
    }
}
