namespace Runnel.Tests.Servers;

/// <summary>Lets bytes pass in one direction of a <see cref="TcpWire"/>, or makes them wait.</summary>
internal sealed class WireGate
{
    private volatile TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when bytes may pass.</summary>
    public Task Opened => _opened.Task;

    /// <summary>How many bytes pass in a second on each connection; 0: as many as come.</summary>
    public int BytesPerSecond { get; set; }

    /// <summary>How long so many bytes take.</summary>
    public TimeSpan TimeFor(int bytes) => BytesPerSecond == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)bytes / BytesPerSecond);

    public void Open() => _opened.TrySetResult();

    public void Close()
    {
        if (_opened.Task.IsCompleted)
            _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
