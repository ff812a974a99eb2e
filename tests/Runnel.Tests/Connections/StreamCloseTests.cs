using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Consumers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>How a stream ends while the others on its socket go on, and how all of them end.</summary>
public abstract class StreamCloseTests : StreamTests
{
    public sealed class BesideTheSocket : StreamCloseTests
    {
        private protected override bool InAWorker => false;
    }

    public sealed class InTheWorker : StreamCloseTests
    {
        private protected override bool InAWorker => true;
    }

    [Fact]
    public async Task A_stream_that_fails_tells_its_client_leaves_its_groups_and_hurts_no_other()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);
        Assert.Equal(1, app.Registry.CountOf("json"));

        await client.SendTextAsync("""{"stream":"json","payload":"fail"}""");
        Assert.Equal("""{"stream":"json","close":{"code":1011,"reason":"The server failed to handle this connection."}}""", await client.ReceiveTextAsync());
        Assert.Equal(0, app.Registry.CountOf("json"));
        Assert.Equal("json end 1011", await app.Journal.NextAsync());
        Assert.Single(app.Logs.Of(1001));

        await client.SendTextAsync("""{"stream":"json","payload":1}""");
        Assert.Contains("closed", (await client.ReceiveJsonAsync()).GetProperty("error").GetString(), StringComparison.Ordinal);
        await EchoAsync(client);
    }

    [Fact]
    public async Task A_stream_that_closes_twice_says_so_once()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        await client.SendTextAsync("""{"stream":"json","payload":"close twice"}""");

        Assert.Equal("""{"stream":"json","close":{"code":4000,"reason":"first"}}""", await client.ReceiveTextAsync());
        await EchoAsync(client);
        Assert.Equal("json end 4000", await app.Journal.NextAsync());
        await client.DisconnectAsync();
        await Wait.Until(() => app.Node.ConnectionCount == 0, "all are forgotten");
        Assert.Equal(0, app.Journal.Unread);
    }

    [Fact]
    public async Task A_stream_that_rejects_or_decides_nothing_is_closed_and_the_others_are_open()
    {
        await using var app = await StartInMemoryAsync(app => app.MapDemultiplexer("/ws", d => d
            .Stream("rejects", c => c.OnConnect((connection, ct) => connection.RejectAsync(ct)))
            .Stream("nothing", c => c.OnConnect((_, _) => Task.CompletedTask))
            .Stream("throws", c => c.OnConnect((_, _) => throw new InvalidOperationException("as told")))
            .Stream("text", Echo)));
        await using var client = await app.ConnectInMemoryAsync("/ws");

        foreach (var (name, code) in new[] { ("rejects", 1008), ("nothing", 1008), ("throws", 1011) })
        {
            var closed = await client.ReceiveJsonAsync();
            Assert.Equal(name, closed.GetProperty("stream").GetString());
            Assert.Equal(code, closed.GetProperty("close").GetProperty("code").GetInt32());
        }
        await EchoAsync(client);
    }

    [Fact]
    public async Task A_stream_that_was_rejected_cannot_be_accepted()
    {
        Exception? refused = null;
        await using var app = await StartInMemoryAsync(app => app.MapDemultiplexer("/ws", d => d
            .Stream("rejects", c => c.OnConnect(async (connection, ct) =>
            {
                await connection.RejectAsync(ct);
                refused = await Record.ExceptionAsync(() => connection.AcceptAsync(AcceptOptions.Default, ct));
            }))
            .Stream("text", Echo)));
        await using var client = await app.ConnectInMemoryAsync("/ws");

        Assert.Contains("1008", await client.ReceiveTextAsync(), StringComparison.Ordinal);
        await EchoAsync(client);

        Assert.Contains("'rejects'", Assert.IsType<InvalidOperationException>(refused).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_consumer_sends_on_a_stream_that_it_closed_does_not_reach_the_client()
    {
        await using var app = await StartInMemoryAsync(app => app.MapDemultiplexer("/ws", d => d
            .Stream("hasty", c => c.OnReceive(async (_, connection, ct) =>
            {
                await connection.CloseAsync(4000, "hasty", ct);
                await connection.SendAsync("too late", ct);
            }))
            .Stream("text", Echo)));
        await using var client = await ConnectAsync(app);

        await client.SendTextAsync("""{"stream":"hasty","payload":1}""");

        Assert.Contains("4000", await client.ReceiveTextAsync(), StringComparison.Ordinal);
        await EchoAsync(client);
        Assert.Empty(app.Logs.Of(1001));
    }

    [Fact]
    public async Task A_stream_that_closes_while_it_connects_says_nothing_after_its_close()
    {
        await using var app = await StartInMemoryAsync(app => app.MapDemultiplexer("/ws", d => d
            .Stream("hasty", c => c.OnConnect(async (connection, ct) =>
            {
                var groups = app.Services.GetRequiredService<IGroups>();
                await connection.AcceptAsync(AcceptOptions.Default, ct);
                await groups.AddAsync("news", connection.ChannelName, ct);
                await groups.SendAsync("news", "held back", ct);
                await connection.CloseAsync(4000, "hasty", ct);
            }))
            .Stream("text", Echo)));
        await using var client = await app.ConnectInMemoryAsync("/ws");

        Assert.Contains("4000", await client.ReceiveTextAsync(), StringComparison.Ordinal);
        await EchoAsync(client);
    }

    [Fact]
    public async Task The_end_of_the_socket_ends_all_its_streams_with_its_code()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);
        Assert.Equal(InAWorker ? 1 : 3, app.Node.ConnectionCount);

        await client.DisconnectAsync(4007);

        Assert.Equal("json end 4007", await app.Journal.NextAsync());
        await Wait.Until(() => app.Node.ConnectionCount == 0, "all are forgotten");
        Assert.Equal(0, app.Registry.CountOf("json"));
    }

    [Fact]
    public async Task A_message_that_races_with_its_streams_end_never_holds_the_socket_up()
    {
        Connection? stream = null;
        await using var app = await StartInMemoryAsync(app => app.MapDemultiplexer(
            "/ws",
            d => d.Stream("racing", c => c.OnConnect((connection, ct) =>
            {
                stream = connection;
                return connection.AcceptAsync(AcceptOptions.Default, ct);
            }).OnReceive((_, _) => ValueTask.CompletedTask)).Stream("text", Echo),
            options => options.MaxMessageBurst = 100_000));

        for (var round = 0; round < 50; round++)
        {
            await using var client = await app.ConnectInMemoryAsync("/ws");
            await Wait.Until(() => stream is not null, "the stream is there");
            var closing = Task.Run(() => stream!.CloseAsync(4000));
            for (var i = 0; i < 5; i++)
                await client.SendTextAsync("""{"stream":"racing","payload":1}""");
            await closing;
            await client.SendTextAsync("""{"stream":"text","payload":"through"}""");
            while (!(await client.ReceiveTextAsync()).Contains("through", StringComparison.Ordinal))
            {
                // the close, and answers that the stream is closed
            }
            stream = null;
            await client.DisconnectAsync();
        }
        await Wait.Until(() => app.Node.ConnectionCount == 0, "all are forgotten");
    }

    [Fact]
    public async Task A_message_for_a_session_that_has_ended_is_refused_at_once()
    {
        var turn = ConsumerTurn.Taken(new(1));
        turn.PassOn();
        Assert.True(turn.TakeForEndAsync().IsCompleted);

        Assert.False(await Wait.For(turn.TakeAsync(), "the answer"));
    }
}
