using System.Net.WebSockets;
using Runnel.AspNetCore;
using Runnel.AspNetCore.Sockets;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

public sealed class ManagedSocketTests
{
    [Fact]
    public async Task What_was_written_stalls_no_more()
    {
        var wire = new MemoryStream();
        var clock = new ManualTimeProvider();
        using var webSocket = WebSocket.CreateFromStream(wire, isServer: true, subProtocol: null, Timeout.InfiniteTimeSpan);
        var socket = new ManagedSocket(webSocket, new InboundRate(new ConsumerEndpointOptions(), clock), clock);

        await socket.WriteAsync(new[] { Frame.Text("a"), Frame.Binary(new byte[100_000]) });

        Assert.Equal(0, socket.StalledSince);
        Assert.InRange(wire.Length, 100_000, 101_000);
    }
}
