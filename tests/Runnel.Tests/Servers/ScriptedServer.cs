using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Runnel.Tests.Servers;

/// <summary>A server on loopback that does to each connection what a test says: for what a real one would hardly do.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, LoopbackPort.Free());
    private readonly Func<NetworkStream, CancellationToken, Task> _serve;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _serving;

    private ScriptedServer(Func<NetworkStream, CancellationToken, Task> serve)
    {
        _serve = serve;
        _listener.Start();
        _serving = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>One that does what it is told, until it is disposed of.</summary>
    public static ScriptedServer Doing(Func<NetworkStream, CancellationToken, Task> serve) => new(serve);

    /// <summary>One that answers the first thing it hears with this, and then waits.</summary>
    public static ScriptedServer Saying(string answer) => new(async (stream, ending) =>
    {
        await stream.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false, ending);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(answer), ending);
        await stream.CopyToAsync(Stream.Null, ending);
    });

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _serving;
        _listener.Dispose();
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> served = [];
        try
        {
            while (true)
                served.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_ending.Token)));
        }
        catch (OperationCanceledException)
        {
            // Ended.
        }
        await Task.WhenAll(served);
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await _serve(client.GetStream(), _ending.Token);
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException)
            {
                // The other side has gone, or the test has ended.
            }
        }
    }
}
