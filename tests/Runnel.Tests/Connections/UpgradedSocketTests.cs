using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Runnel.AspNetCore;
using Runnel.AspNetCore.Sockets;
using Runnel.InMemory;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>How frames get into a connection's pipe.</summary>
public sealed class UpgradedSocketTests
{
    private const int Large = 1024 * 1024;
    private readonly Pipe _pipe = new();
    private readonly ManualTimeProvider _clock = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_does_not_read_has_little_in_its_pipe_whatever_waits_for_it(bool overHttp2)
    {
        var socket = Socket(overHttp2, out var connection);
        await using var _ = connection;

        var written = socket.WriteAsync(new[] { Frame.Binary(new byte[10]), Frame.Binary(new byte[Large]), Frame.Binary(new byte[Large]) }).AsTask();

        Assert.False(written.IsCompleted);
        Assert.InRange((await _pipe.Reader.ReadAsync()).Buffer.Length, 32 * 1024, 96 * 1024);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task All_that_is_written_in_portions_arrives_as_it_was(bool overHttp2)
    {
        var socket = Socket(overHttp2, out var connection);
        await using var _ = connection;
        var frames = new[] { 0, 1, 125, 40_000, 32 * 1024, Large, 7 }.Select(length => Frame.Binary([.. Enumerable.Range(0, length).Select(i => (byte)i)])).ToArray();

        var written = socket.WriteAsync(frames).AsTask();
        var read = Task.Run(async () =>
        {
            await written;
            await _pipe.Writer.CompleteAsync();
        });
        var all = new MemoryStream();
        await Wait.For(_pipe.Reader.CopyToAsync(all), "all bytes");

        await read;
        Assert.Equal(frames.SelectMany(frame => frame.Wire.ToArray()), all.ToArray());
        Assert.Equal(0, socket.StalledSince);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_write_has_stalled_since_the_client_last_took_something(bool overHttp2)
    {
        var socket = Socket(overHttp2, out var connection);
        await using var _ = connection;
        Assert.Equal(0, socket.StalledSince);

        var written = socket.WriteAsync(new[] { Frame.Binary(new byte[Large]) }).AsTask();
        var first = socket.StalledSince;
        Assert.NotEqual(0, first);
        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(first, socket.StalledSince);
        _pipe.Reader.AdvanceTo((await _pipe.Reader.ReadAsync()).Buffer.End);

        await Wait.Until(() => socket.StalledSince > first, "the client has taken something");
        Assert.False(written.IsCompleted);
    }

    // Over HTTP/2 there is only the request's own stream.
    private UpgradedSocket Socket(bool overHttp2, out WebSocketConnection connection)
    {
        var options = new ConsumerEndpointOptions();
        var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock);
        connection = new WebSocketConnection(node.Context, new DefaultHttpContext(), options, new GatewayOptions());
        var (transport, output) = overHttp2 ? (_pipe.Writer.AsStream(), null) : (Stream.Null, _pipe.Writer);
        return new UpgradedSocket(transport, output, connection, new InboundRate(options, _clock), subprotocol: null);
    }
}
