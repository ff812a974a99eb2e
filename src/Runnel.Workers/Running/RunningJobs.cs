using Runnel.Layers;

namespace Runnel.Workers.Running;

/// <summary>The jobs that this process has taken, to be found when one is to be cancelled.</summary>
/// <remarks>
/// A request may come while a job is on its way here from the layer, or between two attempts: so requests are remembered for a moment.
/// </remarks>
internal sealed class RunningJobs(TimeProvider timeProvider)
{
    private const int Tables = 16;
    private const int MaxRemembered = 1000;
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(10);

    // Several, so that threads seldom wait for each other; and plain ones, since a concurrent one makes an object for each job.
    private readonly Dictionary<MessageId, JobContext>[] _tables = [.. Enumerable.Range(0, Tables).Select(_ => new Dictionary<MessageId, JobContext>())];
    private readonly Queue<(MessageId Id, long At)> _requests = new();
    private volatile bool _hasRequests;

    public int Count => _tables.Sum(static table =>
    {
        lock (table)
            return table.Count;
    });

    public void Add(JobContext job)
    {
        // The job first and then the requests; Cancel does it the other way round, so one of the two sees the other.
        var table = TableOf(job.Id);
        lock (table)
            table[job.Id] = job;
        if (_hasRequests && IsRequested(job.Id))
            job.Cancel(timedOut: false);
    }

    public void Remove(JobContext job)
    {
        var table = TableOf(job.Id);
        lock (table)
        {
            if (table.Remove(job.Id, out var removed) && removed != job)
                table[job.Id] = removed; // the layer has handed it out again meanwhile
        }
    }

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
        Find(id)?.Cancel(timedOut: false);
    }

    private JobContext? Find(MessageId id)
    {
        var table = TableOf(id);
        lock (table)
            return table.GetValueOrDefault(id);
    }

    private Dictionary<MessageId, JobContext> TableOf(MessageId id) => _tables[(uint)id.GetHashCode() % Tables];

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
