namespace Runnel.Layers;

/// <summary>How a worker holds messages.</summary>
public sealed record WorkerLeaseOptions
{
    /// <summary>How long a worker that is no longer heard of keeps its messages. Layers that see a death at once do not wait for it.</summary>
    /// <value>6 seconds by default.</value>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(6);
}
