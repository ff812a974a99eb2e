using Microsoft.AspNetCore.Builder;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What the consumer of a stream cannot answer, since the socket of all streams is open by then.</summary>
public sealed class StreamHandshakeTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_can_neither_choose_a_subprotocol_nor_send_headers(bool isHeader)
    {
        var answer = isHeader ? new AcceptOptions { Headers = new Dictionary<string, string> { ["X-Chat"] = "1" } } : new AcceptOptions { Subprotocol = "chat.v2" };
        var refused = new TaskCompletionSource<Exception?>();
        await using var app = await RunnelApp.StartInMemoryAsync(app => app.MapDemultiplexer("/ws", sockets => sockets.Stream(
            "chat",
            stream => stream.OnConnect(async (connection, cancellationToken) =>
            {
                refused.SetResult(await Record.ExceptionAsync(() => connection.AcceptAsync(answer, cancellationToken)));
                await connection.AcceptAsync(AcceptOptions.Default, cancellationToken);
            }))));

        await using var client = await app.ConnectInMemoryAsync("/ws");

        var refusal = Assert.IsType<InvalidOperationException>(await Wait.For(refused.Task, "the refusal"));
        Assert.Contains("'chat'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("cannot choose a subprotocol or send headers", refusal.Message, StringComparison.Ordinal);
    }
}
