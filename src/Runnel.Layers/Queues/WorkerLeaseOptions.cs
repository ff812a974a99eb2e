namespace Runnel.Layers;

/// <summary>How a worker holds messages.</summary>
public sealed record WorkerLeaseOptions
{
    /// <summary>How long a worker that is no longer heard of keeps its messages. Layers that see a death at once do not wait for it.</summary>
    /// <value>6 seconds by default.</value>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>How many workers may die holding a message before it is put aside as a dead letter: it may be what kills them.</summary>
    /// <value>3 by default.</value>
    public int CrashLimit { get; init; } = 3;
}
