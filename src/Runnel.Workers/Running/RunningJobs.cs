using System.Collections.Concurrent;
using Runnel.Layers;

namespace Runnel.Workers.Running;

/// <summary>The jobs that this process has taken, to be found when one is to be cancelled.</summary>
/// <remarks>
/// A request may come while a job is on its way here from the layer, or between two attempts: so requests are remembered for a moment.
/// </remarks>
internal sealed class RunningJobs(TimeProvider timeProvider)
{
    private const int MaxRemembered = 1000;
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<MessageId, JobContext> _jobs = new();
    private readonly Queue<(MessageId Id, long At)> _requests = new();
    private volatile bool _hasRequests;

    public int Count => _jobs.Count;

    public void Add(JobContext job)
    {
        // The job first and then the requests; Cancel does it the other way round, so one of the two sees the other.
        _jobs[job.Id] = job;
        if (_hasRequests && IsRequested(job.Id))
            job.Cancel(timedOut: false);
    }

    public void Remove(JobContext job) => _jobs.TryRemove(new(job.Id, job));

    public void Cancel(MessageId id)
    {
        lock (_requests)
        {
            Forget();
            if (_requests.Count == MaxRemembered)
                _requests.Dequeue();
            _requests.Enqueue((id, timeProvider.GetTimestamp()));
            _hasRequests = true;
        }
        if (_jobs.TryGetValue(id, out var job))
            job.Cancel(timedOut: false);
    }

    private bool IsRequested(MessageId id)
    {
        lock (_requests)
        {
            Forget();
            return _requests.Any(request => request.Id == id);
        }
    }

    private void Forget()
    {
        while (_requests.TryPeek(out var oldest) && timeProvider.GetElapsedTime(oldest.At) > Remembered)
            _requests.Dequeue();
        _hasRequests = _requests.Count > 0;
    }
}
