namespace Runnel.Layers;

/// <summary>Whether a backplane reaches the other nodes.</summary>
public enum BackplaneState
{
    /// <summary>Messages flow.</summary>
    Connected,

    /// <summary>The broker is away. The backplane reconnects by itself; what other nodes publish meanwhile without retention is missed.</summary>
    Interrupted,
}
