namespace Runnel.Layers;

/// <summary>The limits under which messages are stored on a channel.</summary>
public sealed record EnqueueOptions
{
    /// <summary>The defaults.</summary>
    public static EnqueueOptions Default { get; } = new();

    /// <summary>The most messages that the channel holds: ready, scheduled and waiting behind their key, not those in a worker's hands.</summary>
    /// <value>100,000 by default.</value>
    public int Capacity { get; init; } = 100_000;

    /// <summary>How long to wait for room when the channel is full; zero to refuse at once.</summary>
    /// <value>Zero by default.</value>
    public TimeSpan WaitForRoom { get; init; } = TimeSpan.Zero;

    /// <summary>How long the caller has waited for the layer's server already, in a call of which this is a part: it counts towards the layer's limit for that.</summary>
    /// <value>Zero by default.</value>
    public TimeSpan AlreadyWaited { get; init; } = TimeSpan.Zero;
}
