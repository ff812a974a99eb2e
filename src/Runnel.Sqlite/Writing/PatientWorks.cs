using System.Diagnostics;

namespace Runnel.Sqlite.Writing;

/// <summary>Works that failed and must not get lost: they are tried again until they succeed or the store closes. The writer's thread only.</summary>
/// <remarks>They are no more than what workers hold, so they need no bound of their own.</remarks>
internal sealed class PatientWorks
{
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(100);

    private readonly Queue<StoreWork> _works = new();
    private long _failed;

    /// <summary>Whether it is time to try again.</summary>
    public bool AreDue => _works.Count > 0 && Stopwatch.GetElapsedTime(_failed) >= Rest;

    public void Add(StoreWork work)
    {
        _works.Enqueue(work);
        _failed = Stopwatch.GetTimestamp();
    }

    /// <summary>Takes out the works, in the order in which they came, up to a weight.</summary>
    public int MoveTo(List<StoreWork> works, int mostWeight)
    {
        var weight = 0;
        for (; weight < mostWeight && _works.TryDequeue(out var work); weight += work.Weight)
            works.Add(work);
        return weight;
    }
}
