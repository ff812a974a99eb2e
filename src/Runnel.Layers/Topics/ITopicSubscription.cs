namespace Runnel.Layers;

/// <summary>A subscription to a topic. Dispose it to end it: when that has completed, its listener is not called any more.</summary>
public interface ITopicSubscription : IAsyncDisposable
{
    /// <summary>Where the subscription begins: every message after this position is delivered, or a gap is told in its place.</summary>
    /// <value><see cref="Position.None"/> if the topic had no history at that time, or the layer keeps none.</value>
    Position Begins { get; }
}
