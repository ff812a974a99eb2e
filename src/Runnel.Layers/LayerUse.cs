namespace Runnel.Layers;

/// <summary>Something that an application declares, and that its layers have to be able to do.</summary>
/// <param name="What">What declares it, as a sentence begins: <c>Channel 'payments' is declared Ordered</c>.</param>
public sealed record LayerUse(string What)
{
    /// <summary>What the backplane needs.</summary>
    /// <value>Nothing by default.</value>
    public BackplaneFeatures Backplane { get; init; }

    /// <summary>What the work queue needs.</summary>
    /// <value>Nothing by default.</value>
    public WorkQueueFeatures WorkQueue { get; init; }

    /// <summary>How long a message with a key may have to stay away for a retry (<see cref="IWorkQueue.LongestKeyedDelay"/>).</summary>
    /// <value>Zero by default: it is not asked for.</value>
    public TimeSpan KeyedDelay { get; init; }

    /// <summary>Whether something has to be remembered.</summary>
    /// <value><see langword="false"/> by default.</value>
    public bool State { get; init; }

    /// <summary>Whether a state store can stand in for what the work queue lacks, as it can for deduplication and for cancelling.</summary>
    /// <value><see langword="false"/> by default.</value>
    public bool StateCanReplace { get; init; }

    /// <summary>What you can do about a lack, as a sentence: <c>Pick another layer for work (--queue-layer), or take Ordered out of the channel's options.</c></summary>
    public required string WayOut { get; init; }

    /// <summary>Checks that an application's seams can do what is declared.</summary>
    /// <param name="backplane">What carries its messages; <see langword="null"/> when nothing does.</param>
    /// <param name="workQueue">What keeps its work; <see langword="null"/> when nothing does.</param>
    /// <param name="state">What remembers; <see langword="null"/> when nothing does.</param>
    /// <exception cref="InvalidOperationException">They lack something. The message says what, and what you can do.</exception>
    public void Check(IBackplane? backplane, IWorkQueue? workQueue, IStateStore? state)
    {
        var carried = Backplane & ~(backplane?.Features ?? BackplaneFeatures.None);
        if (carried != BackplaneFeatures.None)
            throw Lack($"the layer for groups lacks {nameof(BackplaneFeatures)}.{carried}");
        var kept = WorkQueue & ~(workQueue?.Features ?? WorkQueueFeatures.None);
        if (kept != WorkQueueFeatures.None && !(StateCanReplace && state is not null))
            throw Lack($"the layer for work lacks {nameof(WorkQueueFeatures)}.{kept}");
        if (workQueue is not null && KeyedDelay > workQueue.LongestKeyedDelay)
            throw Lack($"a retry may rest for {KeyedDelay}, and the layer for work lets a message with a Key rest for {workQueue.LongestKeyedDelay} at most, so that it keeps its place");
        if (State && state is null)
            throw Lack("no layer remembers anything");
    }

    private InvalidOperationException Lack(string lack) => new($"{What}, but {lack}. {WayOut}");
}
