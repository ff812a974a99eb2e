using System.Net;
using System.Net.Sockets;
using System.Text;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Servers;

public sealed class TcpWireTests : IAsyncDisposable
{
    private readonly TcpListener _server = new(IPAddress.Loopback, LoopbackPort.Free());
    private readonly TcpWire _wire;

    public TcpWireTests()
    {
        _server.Start();
        _wire = TcpWire.To(((IPEndPoint)_server.LocalEndpoint).Port);
    }

    public async ValueTask DisposeAsync()
    {
        await _wire.DisposeAsync();
        _server.Dispose();
    }

    [Fact]
    public async Task What_one_side_says_the_other_one_hears()
    {
        var (client, server) = await ConnectAsync();

        await SayAsync(client, "question");
        await HearAsync(server, "question");
        await SayAsync(server, "answer");
        await HearAsync(client, "answer");

        Assert.Equal((1, 1), (_wire.Connections, _wire.Taken));
    }

    [Fact]
    public async Task A_side_that_has_said_all_may_still_hear()
    {
        var (client, server) = await ConnectAsync();

        client.Shutdown(SocketShutdown.Send);
        await EndAsync(server);
        await SayAsync(server, "answer");
        await HearAsync(client, "answer");
        server.Close();
        await EndAsync(client);

        await Wait.Until(() => _wire.Connections == 0, "the wire has forgotten the connection");
    }

    [Fact]
    public async Task A_cut_resets_both_sides_and_refuses_others_until_the_wire_is_healed()
    {
        var (client, server) = await ConnectAsync();

        _wire.Cut();

        Assert.Equal(SocketError.ConnectionReset, await LossAsync(client));
        Assert.Equal(SocketError.ConnectionReset, await LossAsync(server));
        Assert.Equal(0, _wire.Connections);
        Assert.Equal(SocketError.ConnectionRefused, (await Assert.ThrowsAsync<SocketException>(OpenAsync)).SocketErrorCode);

        _wire.Heal();
        (client, server) = await ConnectAsync();
        await SayAsync(client, "again");
        await HearAsync(server, "again");
    }

    [Fact]
    public async Task A_reset_ends_the_connections_and_takes_new_ones()
    {
        var (client, _) = await ConnectAsync();

        _wire.Reset();

        Assert.Equal(SocketError.ConnectionReset, await LossAsync(client));
        (client, var server) = await ConnectAsync();
        await SayAsync(client, "again");
        await HearAsync(server, "again");
    }

    [Fact]
    public async Task Silence_keeps_what_is_said_until_it_is_over()
    {
        var (client, server) = await ConnectAsync();

        _wire.Silence();
        await SayAsync(client, "question");
        await SayAsync(server, "answer");
        var (heardByServer, heardByClient) = (HearAsync(server, "question"), HearAsync(client, "answer"));
        using var late = await OpenAsync();

        Assert.False(heardByServer.IsCompleted || heardByClient.IsCompleted);
        Assert.False(_server.Pending());
        _wire.Heal();
        await heardByServer;
        await heardByClient;
        await Wait.Until(() => _wire.Connections == 2, "the wire has taken the late one, too");
    }

    [Fact]
    public async Task Silence_and_then_a_cut_loses_the_answer_to_a_question_that_was_heard()
    {
        var (client, server) = await ConnectAsync();

        _wire.Silence(toServer: false);
        await SayAsync(client, "question");
        await HearAsync(server, "question");
        await SayAsync(server, "answer");
        _wire.Cut();

        Assert.Equal(SocketError.ConnectionReset, await LossAsync(client));
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_a_connection_that_is_reset()
    {
        _server.Stop();

        // The reset may come before who connects has noticed that it is connected.
        var lost = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            using var client = await OpenAsync();
            await Wait.For(client.ReceiveAsync(new byte[1]), "the loss to be noticed");
        });

        Assert.Equal(SocketError.ConnectionReset, lost.SocketErrorCode);
        await Wait.Until(() => _wire.Connections == 0, "the wire has forgotten the connection");
    }

    private async Task<(Socket Client, Socket Server)> ConnectAsync()
    {
        var client = await OpenAsync();
        return (client, await Wait.For(_server.AcceptSocketAsync(), "the connection to reach the server"));
    }

    private async Task<Socket> OpenAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await Wait.For(socket.ConnectAsync(IPAddress.Loopback, _wire.Port), "the connection to be made");
        return socket;
    }

    private static async Task SayAsync(Socket socket, string text) => Assert.Equal(text.Length, await socket.SendAsync(Encoding.ASCII.GetBytes(text)));

    private static async Task HearAsync(Socket socket, string text)
    {
        var (heard, count) = (new byte[text.Length], 0);
        while (count < heard.Length && await Wait.For(socket.ReceiveAsync(heard.AsMemory(count)).AsTask(), $"'{text}' to be heard") is var more && more > 0)
            count += more;
        Assert.Equal(text, Encoding.ASCII.GetString(heard, 0, count));
    }

    private static async Task EndAsync(Socket socket) => Assert.Equal(0, await Wait.For(socket.ReceiveAsync(new byte[1]), "the other side's end"));

    private static async Task<SocketError> LossAsync(Socket socket)
    {
        var lost = await Assert.ThrowsAsync<SocketException>(() => Wait.For(socket.ReceiveAsync(new byte[1]), "the loss to be noticed"));
        return lost.SocketErrorCode;
    }
}
