namespace Runnel.Layers;

/// <summary>What a backplane can do beyond carrying messages; asked at start-up, so that an application that needs more is refused there and not later.</summary>
[Flags]
public enum BackplaneFeatures
{
    /// <summary>Carries messages within this process, and keeps none.</summary>
    None = 0,

    /// <summary>Keeps history for messages published with a <see cref="Retention"/>. Without it, such a message and reading history throw <see cref="NotSupportedException"/>.</summary>
    History = 1,

    /// <summary>Reaches other processes.</summary>
    ScaleOut = 2,
}
