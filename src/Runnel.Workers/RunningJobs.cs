using System.Collections.Concurrent;
using Runnel.Layers;

namespace Runnel.Workers;

/// <summary>The jobs that run in this process, to be found when one is to be cancelled.</summary>
internal sealed class RunningJobs
{
    private readonly ConcurrentDictionary<MessageId, JobContext> _jobs = new();

    public int Count => _jobs.Count;

    public void Add(JobContext job) => _jobs[job.Id] = job;

    public void Remove(JobContext job) => _jobs.TryRemove(new(job.Id, job));

    public void Cancel(MessageId id)
    {
        if (_jobs.TryGetValue(id, out var job))
            job.Cancel(timedOut: false);
    }
}
