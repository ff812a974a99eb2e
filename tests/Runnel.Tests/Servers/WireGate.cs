namespace Runnel.Tests.Servers;

/// <summary>Lets bytes pass in one direction of a <see cref="TcpWire"/>, or makes them wait.</summary>
internal sealed class WireGate
{
    private readonly Lock _lock = new();
    private readonly Queue<TaskCompletionSource> _waiting = new();
    private bool _isOpen;
    private int _mayPass;
    private int _held;

    /// <summary>How many pieces have ever waited. A piece is what was read at once.</summary>
    public int Held => Volatile.Read(ref _held);

    /// <summary>How many bytes pass in a second on each connection; 0: as many as come.</summary>
    public int BytesPerSecond { get; set; }

    /// <summary>How long so many bytes take.</summary>
    public TimeSpan TimeFor(int bytes) => BytesPerSecond == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)bytes / BytesPerSecond);

    /// <summary>Completes when the next piece may pass.</summary>
    public Task PassAsync()
    {
        lock (_lock)
        {
            if (_isOpen)
                return Task.CompletedTask;
            if (_mayPass > 0)
            {
                _mayPass--;
                return Task.CompletedTask;
            }
            var passed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(passed);
            _held++;
            return passed.Task;
        }
    }

    /// <summary>Lets so many pieces pass that wait or come, and no more.</summary>
    public void Pass(int pieces)
    {
        lock (_lock)
        {
            for (; pieces > 0 && _waiting.TryDequeue(out var passed); pieces--)
                passed.SetResult();
            _mayPass += pieces;
        }
    }

    public void Open()
    {
        lock (_lock)
        {
            _isOpen = true;
            Pass(_waiting.Count);
        }
    }

    public void Close()
    {
        lock (_lock)
            (_isOpen, _mayPass) = (false, 0);
    }
}
