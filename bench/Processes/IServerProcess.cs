namespace Runnel.Bench;

/// <summary>A server of a run's own, that can be killed and started again with what its folder holds.</summary>
internal interface IServerProcess : IDisposable
{
    /// <summary>Kills it (SIGKILL).</summary>
    void Kill();

    /// <summary>Starts it, with what its folder holds, and waits until it answers.</summary>
    Task RestartAsync(CancellationToken cancellationToken);
}
