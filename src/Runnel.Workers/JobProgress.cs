using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel.Workers;

/// <summary>Tells the world of one tracked job: its progress at most 20 times a second, its final state always and last.</summary>
internal sealed class JobProgress(MessageId id, JobStatus first, TimeSpan retention, JobStore store, TimeProvider timeProvider, ILogger logger)
    : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _ended = new();
    private JobStatus _latest = first;
    private Task? _pump;
    private bool _dirty;

    /// <summary>Publishes the job's first state of this attempt.</summary>
    public ValueTask StartAsync() => store.PublishAsync(id, _latest, retention);

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

    /// <summary>Publishes the attempt's last state, after all that is still on its way.</summary>
    public async ValueTask EndAsync(Func<JobStatus, JobStatus> end)
    {
        Task? pump;
        lock (_lock)
        {
            _ended.Cancel();
            pump = _pump;
        }
        if (pump is not null)
            await pump;
        await store.PublishAsync(id, end(_latest) with { UpdatedAt = timeProvider.GetUtcNow() }, retention);
    }

    /// <inheritdoc/>
    public void Dispose() => _ended.Dispose();

    private async Task PumpAsync()
    {
        await Task.Yield(); // the caller holds the lock
        while (TryTake(out var status))
        {
            try
            {
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
