using Runnel.Cli.Sockets;

namespace Runnel.Cli.Load;

/// <summary>What all connections of a load test share.</summary>
internal sealed class ClientContext(Dialer dialer, TimeProvider clock)
{
    private long _messages;
    private long _bytes;

    public Dialer Dialer { get; } = dialer;

    public TimeProvider Clock { get; } = clock;

    public Faults Faults { get; } = new();

    /// <summary>From when a connection was due until it was open.</summary>
    public LatencyHistogram Connecting { get; } = new();

    /// <summary>Messages that came, whatever they were.</summary>
    public long Messages => Volatile.Read(ref _messages);

    /// <summary>Bytes of these messages.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    public void CountMessage(int bytes)
    {
        Interlocked.Increment(ref _messages);
        Interlocked.Add(ref _bytes, bytes);
    }
}
