using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Runnel.RabbitMQ.Connections;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What goes over a connection by itself, and when it counts as silent.</summary>
public sealed class BeatingStreamTests : IAsyncLifetime
{
    private static readonly byte[] ProtocolHeader = [.. "AMQP"u8, 0, 0, 9, 1];
    private static readonly byte[] Heartbeat = [8, 0, 0, 0, 0, 0, 0, 0xCE];

    private readonly RabbitHeart _heart = new(TimeSpan.FromMilliseconds(20), NullLogger.Instance);
    private Socket _broker = null!;
    private BeatingStream _stream = null!;

    public async ValueTask InitializeAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await client.ConnectAsync(listener.LocalEndPoint!);
        _broker = await listener.AcceptAsync();
        _stream = new BeatingStream(client, new NetworkStream(client, ownsSocket: false), _heart);
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _broker.Dispose();
    }

    [Fact]
    public async Task A_broker_is_not_silent_whose_bytes_have_come_and_were_not_read()
    {
        await _broker.SendAsync(new byte[] { 1 });
        await PassAsync(_heart.Patience);

        _stream.Beat(stoodStill: false);

        Assert.Equal(1, await Wait.For(_stream.ReadAsync(new byte[10]).AsTask(), "the byte"));
        await PassAsync(_heart.Patience);
        _stream.Beat(stoodStill: false);
        var silence = await Assert.ThrowsAsync<IOException>(() => _stream.ReadAsync(new byte[10]).AsTask());
        Assert.StartsWith("nothing was heard from it for", silence.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_heartbeat_waits_until_the_frame_that_is_being_sent_has_ended()
    {
        byte[] begun = [.. ProtocolHeader, 1, 0, 0, 0, 0, 0, 4, 9, 9];
        await _stream.WriteAsync(begun);
        await PassAsync(_heart.Heartbeat);
        _stream.Beat(stoodStill: true);
        await _stream.WriteAsync(new byte[] { 9, 9, 0xCE });
        await PassAsync(_heart.Heartbeat);
        _stream.Beat(stoodStill: true);

        byte[] expected = [.. begun, 9, 9, 0xCE, .. Heartbeat];
        var received = new byte[expected.Length];
        for (var count = 0; count < received.Length;)
            count += await Wait.For(_broker.ReceiveAsync(received.AsMemory(count)).AsTask(), "the bytes");

        Assert.Equal(expected, received);
    }

    private static Task PassAsync(TimeSpan time)
    {
        var from = TimeProvider.System.GetTimestamp();
        return Wait.Until(() => TimeProvider.System.GetElapsedTime(from) >= time, "the time has passed");
    }
}
