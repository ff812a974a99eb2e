namespace Runnel.Layers;

/// <summary>How a receiver holds messages.</summary>
public sealed record ReceiverOptions
{
    /// <summary>How long a receiver that is no longer heard of keeps its messages. Layers that see a death at once do not wait for it.</summary>
    /// <value>6 seconds by default.</value>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(6);
}
