using System.Net;
using System.Net.Sockets;

namespace Runnel.Tests.Servers;

/// <summary>One connection through a <see cref="TcpWire"/>.</summary>
internal sealed class WireConnection(Socket client, WireGate toServer, WireGate toClient) : IDisposable
{
    private const int BufferSize = 16 * 1024;

    private readonly Socket _server = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly WireGate _own = OpenGate();
    private readonly TaskCompletionSource _reset = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Carries what both sides say, until both have ended or one is lost.</summary>
    public async Task CarryAsync(int serverPort)
    {
        try
        {
            await PassAsync(toServer);
            await _server.ConnectAsync(IPAddress.Loopback, serverPort);
            client.NoDelay = _server.NoDelay = true;
            await Task.WhenAll(CarryAsync(client, _server, toServer), CarryAsync(_server, client, toClient));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Whoever is left hears of it by the reset.
        }
        Dispose();
    }

    /// <summary>Carries nothing any more.</summary>
    public void Strand() => _own.Close();

    /// <summary>Ends it as a machine does that is gone: both sides' connections are reset.</summary>
    public void Dispose()
    {
        client.Close(timeout: 0); // and no goodbye
        _server.Close(timeout: 0);
        _reset.TrySetResult(); // not before: what is held back must not get out
    }

    private async Task CarryAsync(Socket from, Socket to, WireGate gate)
    {
        try
        {
            var buffer = new byte[BufferSize];
            var late = TimeSpan.Zero;
            while (await from.ReceiveAsync(buffer) is var count && count > 0)
            {
                await PassAsync(gate);
                late = await PaceAsync(gate.TimeFor(count), late);
                for (var sent = 0; sent < count;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent));
            }
            await PassAsync(gate);
            to.Shutdown(SocketShutdown.Send);
        }
        catch
        {
            Dispose(); // the other direction may be waiting for somebody who says nothing
            throw;
        }
    }

    // A busy machine waits longer than it is told. What was too long for one piece is left out for the next, or the wire would be far slower than the test says.
    private async Task<TimeSpan> PaceAsync(TimeSpan time, TimeSpan late)
    {
        if (time == TimeSpan.Zero)
            return TimeSpan.Zero;
        if (late >= time)
            return late - time;
        var began = TimeProvider.System.GetTimestamp();
        await Task.WhenAny(Task.Delay(time - late, TimeProvider.System, CancellationToken.None), _reset.Task);
        return late + TimeProvider.System.GetElapsedTime(began) - time;
    }

    private async Task PassAsync(WireGate gate) => await Task.WhenAny(Task.WhenAll(gate.PassAsync(), _own.PassAsync()), _reset.Task);

    private static WireGate OpenGate()
    {
        var gate = new WireGate();
        gate.Open();
        return gate;
    }
}
