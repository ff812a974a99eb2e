namespace Runnel.Layers;

/// <summary>What a backplane can do; asked at start-up, so that an application that needs more is refused there and not later.</summary>
[Flags]
public enum BackplaneFeatures
{
    /// <summary>Carries messages, no more.</summary>
    None = 0,

    /// <summary>Keeps history for messages published with a <see cref="Retention"/>.</summary>
    History = 1,

    /// <summary>Reaches other processes.</summary>
    ScaleOut = 2,
}
