namespace Runnel.Workers.Jobs;

/// <summary>How one attempt at a job ends.</summary>
/// <param name="Name">The end's name, as it is counted.</param>
/// <param name="State">Makes the job's next state of its latest.</param>
/// <param name="Settle">Settles the message; answers whether it was still this worker's.</param>
internal sealed record JobEnd(string Name, Func<JobStatus, JobStatus> State, Func<ValueTask<bool>> Settle)
{
    /// <summary>How long the job rests now.</summary>
    public TimeSpan Rest { get; init; }

    /// <summary>The message comes back: another worker may have it as soon as its rest is over, and that one speaks then.</summary>
    public bool ComesBack { get; init; }

    /// <summary>Writes the end to the log.</summary>
    public Action? Log { get; init; }
}
