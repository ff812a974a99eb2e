using Runnel.Layers;

namespace Runnel.Specification;

/// <summary>The backplane of one process, and the wire between it and the broker, which a test can cut.</summary>
/// <param name="Backplane">The backplane.</param>
/// <param name="Cut">Ends the process's connections, and lets it make no others.</param>
/// <param name="Silence">Lets nothing through any more, while connections look as if they were there.</param>
/// <param name="Heal">Ends a cut and a silence.</param>
public sealed record WiredBackplane(IBackplane Backplane, Action Cut, Action Silence, Action Heal)
{
    /// <summary>Does something while the process is cut off.</summary>
    internal async Task WhileCutAsync(Func<Task> act)
    {
        Cut();
        await Wait.Until(() => Backplane.State == BackplaneState.Interrupted, "the node has noticed the cut");
        await act();
        Heal();
        await Wait.Until(() => Backplane.State == BackplaneState.Connected, "the node is back");
    }
}
