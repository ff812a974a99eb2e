using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Runnel.RabbitMQ.Connections;

/// <summary>What a connection is read from and written to: it says between the client's frames that the client lives, and notices when the broker says nothing.</summary>
/// <remarks>
/// The client's own heartbeats need threads of the pool. While handlers block all of those, the broker would take the process for dead, or the client the broker; and when both end a connection
/// at once, the client's timer throws where nobody can catch it. So the client is told that there are no heartbeats, and the broker that there are.
/// </remarks>
internal sealed class BeatingStream : NetworkStream, IBeating
{
    public const int ProtocolHeaderLength = 8;

    private static readonly byte[] HeartbeatFrame = [8, 0, 0, 0, 0, 0, 0, 0xCE];

    private readonly Stream _inner;
    private readonly RabbitHeart _heart;
    private readonly SemaphoreSlim _writing = new(1);
    private readonly HeartbeatTerm _brokers = HeartbeatTerm.OfBroker(0);
    private readonly HeartbeatTerm _clients;
    private readonly FrameCursor _written = new(ProtocolHeaderLength);
    private long _heardAt = TimeProvider.System.GetTimestamp();
    private long _saidAt = TimeProvider.System.GetTimestamp();
    private bool _isBeating;
    private volatile bool _isSilent;

    /// <param name="socket">The connection, whose owner this is.</param>
    /// <param name="inner">What goes over it: it, or TLS on it.</param>
    /// <param name="heart">What beats.</param>
    public BeatingStream(Socket socket, Stream inner, RabbitHeart heart)
        : base(socket, ownsSocket: true)
    {
        (_inner, _heart) = (inner, heart);
        _clients = HeartbeatTerm.OfClient((ushort)Math.Ceiling(heart.Heartbeat.TotalSeconds));
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            var count = await _inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            Volatile.Write(ref _heardAt, TimeProvider.System.GetTimestamp());
            if (!_brokers.IsPassed)
                _brokers.Replace(buffer.Span[..count]);
            return count;
        }
        catch (Exception exception) when (_isSilent)
        {
            throw new IOException($"nothing was heard from it for {_heart.Patience.TotalSeconds:0.#} s (two times Heartbeat)", exception);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _written.Pass(buffer.Span);
            await _inner.WriteAsync(_clients.IsPassed ? buffer : Agree(buffer), cancellationToken).ConfigureAwait(false);
            Volatile.Write(ref _saidAt, TimeProvider.System.GetTimestamp());
            if (!_isBeating && _clients.IsPassed)
                Begin();
        }
        finally
        {
            _writing.Release();
        }
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => _inner.FlushAsync(cancellationToken);

    public void Beat(bool stoodStill)
    {
        if (_isSilent)
            return;
        try
        {
            // What has come and is not read, since all threads are busy, was said.
            if (stoodStill || Socket.Available > 0)
                Volatile.Write(ref _heardAt, TimeProvider.System.GetTimestamp());
            if (TimeProvider.System.GetElapsedTime(Volatile.Read(ref _heardAt)) >= _heart.Patience)
                EndSilence();
            else if (TimeProvider.System.GetElapsedTime(Volatile.Read(ref _saidAt)) >= _heart.Heartbeat / 2)
                Say();
        }
        catch (Exception exception) when (exception is SocketException or IOException or ObjectDisposedException)
        {
            _heart.Remove(this); // it is lost, and whoever reads it learns that
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _heart.Remove(this);
            _inner.Dispose();
        }
        base.Dispose(disposing);
    }

    private void Begin()
    {
        _isBeating = true;
        _heart.Add(this);
    }

    private Memory<byte> Agree(ReadOnlyMemory<byte> buffer)
    {
        var agreed = buffer.ToArray();
        _clients.Replace(agreed);
        return agreed;
    }

    private void EndSilence()
    {
        _isSilent = true;
        Socket.Dispose();
    }

    // If the client is in the middle of something, or the broker takes nothing, that says enough.
    private void Say()
    {
        if (!_writing.Wait(0))
            return;
        try
        {
            if (!_written.IsBetweenFrames || !Socket.Poll(0, SelectMode.SelectWrite))
                return;
            _inner.Write(HeartbeatFrame);
            Volatile.Write(ref _saidAt, TimeProvider.System.GetTimestamp());
        }
        finally
        {
            _writing.Release();
        }
    }
}
