namespace Runnel.Tests.Servers;

/// <summary>Lets bytes pass in one direction of a <see cref="TcpWire"/>, or makes them wait.</summary>
internal sealed class WireGate
{
    private volatile TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when bytes may pass.</summary>
    public Task Opened => _opened.Task;

    public void Open() => _opened.TrySetResult();

    public void Close()
    {
        if (_opened.Task.IsCompleted)
            _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
