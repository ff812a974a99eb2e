namespace Runnel.Nodes;

/// <summary>Since when this node has heard itself without a break, and so since when it would have heard the others.</summary>
/// <remarks>
/// A node hears its own beats come back from the layer. While it does not, because the layer is away or stands still, or the node itself is too busy to listen, its silence about others
/// means nothing.
/// </remarks>
internal sealed class NodePulse(TimeProvider timeProvider, TimeSpan lease)
{
    private long? _last;

    /// <summary>Since when, as a timestamp.</summary>
    public long Since { get; private set; }

    /// <summary>It is not heard.</summary>
    public void Break() => _last = null;

    /// <summary>It is heard.</summary>
    public void Hear(long now)
    {
        if (_last is not { } last || timeProvider.GetElapsedTime(last, now) > lease / 2)
            Since = now;
        _last = now;
    }
}
