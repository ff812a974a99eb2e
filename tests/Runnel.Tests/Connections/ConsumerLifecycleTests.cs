using Microsoft.AspNetCore.Builder;
using Runnel.InMemory;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>From the first message to the end of a consumer.</summary>
public abstract class ConsumerLifecycleTests : ConsumerTests
{
    public sealed class BesideTheSocket : ConsumerLifecycleTests
    {
        private protected override bool InAWorker => false;
    }

    public sealed class InTheWorker : ConsumerLifecycleTests
    {
        private protected override bool InAWorker => true;
    }

    [Fact]
    public async Task The_end_comes_once_with_the_clients_code_and_then_the_consumer_and_its_scope_are_disposed()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Scripted>("/ws/{does}"));
        await using var client = await app.ConnectInMemoryAsync("/ws/accepts");

        await client.DisconnectAsync(4001);

        foreach (var entry in new[] { "made", "end 4001", "disposed", "scope disposed" })
            Assert.Equal(entry, await app.Journal.NextAsync());
        await Wait.Until(() => app.Node.ConnectionCount == 0, "the connection is forgotten");
        Assert.Equal(0, app.Journal.Unread);
    }

    [Fact]
    public async Task A_client_that_vanishes_ends_with_1006()
    {
        await using var app = await StartAsync(app => app.MapConsumer<Scripted>("/ws/{does}"));
        var client = await app.ConnectRawAsync("/ws/accepts");
        Assert.Equal("made", await app.Journal.NextAsync());

        client.Reset();

        Assert.Equal("end 1006", await app.Journal.NextAsync());
        Assert.Equal("disposed", await app.Journal.NextAsync());
    }

    [Theory]
    [InlineData(CloseCode.ProtocolError)]
    [InlineData(CloseCode.InvalidPayload)]
    [InlineData(CloseCode.MessageTooBig)]
    public async Task The_consumer_of_a_client_that_breaks_a_rule_is_told_which(int code)
    {
        await using var app = await StartAsync(app => app.MapConsumer<Scripted>("/ws/{does}", options => options.MaxMessageBytes = 10));
        var client = await app.ConnectRawAsync("/ws/accepts");
        Assert.Equal("made", await app.Journal.NextAsync());

        await (code switch
        {
            CloseCode.ProtocolError => client.SendFrameAsync(1, "no mask"u8, masked: false),
            CloseCode.InvalidPayload => client.SendFrameAsync(1, [0xC3, 0x28]),
            _ => client.SendFrameAsync(1, "much too large"u8),
        });
        Assert.Equal(code, await client.ReadCloseAsync());
        client.Dispose();

        Assert.Equal($"end {code}", await app.Journal.NextAsync());
    }

    [Fact]
    public async Task A_consumer_that_failed_is_told_of_its_end_all_the_same_and_once()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Scripted>("/ws/{does}"));
        await using var client = await app.ConnectInMemoryAsync("/ws/accepts");

        await client.SendTextAsync("throw");
        await client.SendTextAsync("throw");

        Assert.Equal(CloseCode.InternalError, await client.ReceiveCloseAsync());
        await client.DisconnectAsync();
        foreach (var entry in new[] { "made", "got throw", "end 1011", "disposed", "scope disposed" })
            Assert.Equal(entry, await app.Journal.NextAsync());
        var logged = Assert.Single(app.Logs.Of(1001));
        Assert.Contains("Scripted failed on connection 1", logged.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_consumer_whose_end_fails_is_disposed_all_the_same()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Scripted>("/ws/{does}"));
        await using var client = await app.ConnectInMemoryAsync("/ws/fails-at-its-end");

        await client.DisconnectAsync();

        foreach (var entry in new[] { "made", "end 1000", "disposed", "scope disposed" })
            Assert.Equal(entry, await app.Journal.NextAsync());
        await Wait.Until(() => app.Logs.Of(1002).Any(), "it is logged");
    }

    [Fact]
    public async Task The_scope_of_a_consumer_that_cannot_be_disposed_of_is_disposed_of_all_the_same()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Stubborn>("/ws"));
        await using var client = await app.ConnectInMemoryAsync("/ws");

        await client.DisconnectAsync();

        Assert.Equal("scope disposed", await app.Journal.NextAsync());
        await Wait.Until(() => app.Logs.Of(1002).Any(), "it is logged");
    }

    [Fact]
    public async Task An_exception_in_one_consumer_hurts_no_other()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Scripted>("/ws/{does}"));
        await using var bad = await app.ConnectInMemoryAsync("/ws/accepts");
        await using var good = await app.ConnectInMemoryAsync("/ws/accepts");

        await bad.SendTextAsync("throw");
        Assert.Equal(CloseCode.InternalError, await bad.ReceiveCloseAsync());
        await good.SendTextAsync("hello");

        Assert.Equal("hello 1", await good.ReceiveTextAsync());
    }

    [Fact]
    public async Task Each_connection_has_an_instance_with_its_own_state_and_its_own_services()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Scripted>("/ws/{does}"));
        await using var first = await app.ConnectInMemoryAsync("/ws/accepts");
        await using var second = await app.ConnectInMemoryAsync("/ws/accepts");

        await first.SendTextAsync("a");
        Assert.Equal("a 1", await first.ReceiveTextAsync());
        await first.SendTextAsync("b");
        Assert.Equal("b 2", await first.ReceiveTextAsync());
        await second.SendTextAsync("c");
        Assert.Equal("c 1", await second.ReceiveTextAsync());
        await first.DisconnectAsync();
        foreach (var entry in new[] { "made", "made", "got a", "got b", "got c", "end 1000", "disposed", "scope disposed" })
            Assert.Equal(entry, await app.Journal.NextAsync());
        await second.SendTextAsync("d");
        Assert.Equal("d 2", await second.ReceiveTextAsync());
    }

    [Theory]
    [InlineData(1000, "bye")]
    [InlineData(4321, "a reason of its own")]
    public async Task The_consumers_close_reaches_the_client_with_code_and_reason(int code, string reason)
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer(
            "/ws", c => c.OnReceive((_, connection, ct) => connection.CloseAsync(code, reason, ct))));
        await using var client = await app.ConnectInMemoryAsync("/ws");

        await client.SendTextAsync("x");

        Assert.Equal(code, await client.ReceiveCloseAsync());
        Assert.Equal(reason, client.CloseReason);
    }

    [Theory]
    [InlineData(999)]
    [InlineData(1005)]
    [InlineData(1006)]
    [InlineData(2999)]
    [InlineData(5000)]
    public async Task A_code_that_may_not_be_sent_is_refused(int code)
    {
        var connection = await FakeConnection.ConnectAsync(FakeConnection.CreateNode(new InMemoryBackplane(TimeProvider.System)));

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => connection.CloseAsync(code));
    }

    [Fact]
    public async Task A_consumer_that_has_closed_gets_no_more_messages()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Scripted>("/ws/{does}"));
        await using var client = await app.ConnectInMemoryAsync("/ws/accepts");

        await client.SendTextAsync("close");
        await client.SendTextAsync("too late");
        Assert.Equal(4000, await client.ReceiveCloseAsync());
        await client.DisconnectAsync();

        foreach (var entry in new[] { "made", "got close", "end 4000" })
            Assert.Equal(entry, await app.Journal.NextAsync());
    }

    [Fact]
    public async Task The_token_is_cancelled_when_the_client_is_gone_politely_or_not()
    {
        await using var app = await StartAsync(app => app.MapConsumer("/ws", c => c.OnConnect(async (connection, ct) =>
        {
            var journal = (Journal)app.Services.GetService(typeof(Journal))!;
            ct.Register(() => journal.Write("gone"));
            await connection.AcceptAsync(AcceptOptions.Default, ct);
        })));
        var polite = await app.ConnectAsync("/ws");
        await polite.CloseAsync(System.Net.WebSockets.WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        Assert.Equal("gone", await app.Journal.NextAsync());

        var rude = await app.ConnectRawAsync("/ws");
        rude.Reset();
        Assert.Equal("gone", await app.Journal.NextAsync());
    }

    [Fact]
    public async Task A_handler_at_work_is_cancelled_when_its_client_vanishes_and_that_is_no_failure()
    {
        await using var app = await StartAsync(app => app.MapConsumer<Scripted>("/ws/{does}"));
        var client = await app.ConnectRawAsync("/ws/accepts");
        await client.SendTextAsync("wait for the end");
        Assert.Equal("made", await app.Journal.NextAsync());
        Assert.Equal("got wait for the end", await app.Journal.NextAsync());

        client.Reset();

        Assert.Equal("end 1006", await app.Journal.NextAsync());
        Assert.Empty(app.Logs.Of(1001));
    }

    [Fact]
    public async Task A_connection_that_is_over_can_be_asked_and_sent_to_without_harm()
    {
        Connection? kept = null;
        await using var app = await StartAsync(app => app.MapConsumer("/ws", c => c.OnConnect((connection, ct) =>
        {
            kept = connection;
            return connection.AcceptAsync(AcceptOptions.Default, ct);
        })));
        var client = await app.ConnectAsync("/ws");
        await client.CloseAsync(System.Net.WebSockets.WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        await Wait.Until(() => app.Limits.AddressCount == 0 && kept!.Gone.IsCancellationRequested, "the request has ended, and the worker has heard of it");

        await kept!.SendAsync("nobody hears");
        await kept.CloseAsync();
        kept.Abort();

        Assert.True(kept.Gone.IsCancellationRequested);
    }

    [Fact]
    public async Task Accepting_twice_and_sending_too_early_are_the_callers_mistakes()
    {
        var failures = new List<Exception?>();
        await using var app = await StartInMemoryAsync(app => app.MapConsumer("/ws", c => c.OnConnect(async (connection, ct) =>
        {
            failures.Add(await Record.ExceptionAsync(() => connection.SendAsync("early", ct).AsTask()));
            await connection.AcceptAsync(AcceptOptions.Default, ct);
            failures.Add(await Record.ExceptionAsync(() => connection.AcceptAsync(AcceptOptions.Default, ct)));
            failures.Add(await Record.ExceptionAsync(() => connection.RejectAsync(ct)));
            await connection.SendAsync("done", ct);
        })));
        await using var client = await app.ConnectInMemoryAsync("/ws");

        Assert.Equal("done", await client.ReceiveTextAsync());
        Assert.All(failures, failure => Assert.IsType<InvalidOperationException>(failure));
    }

    public sealed class Stubborn(ScopedThing thing) : WebSocketConsumer, IDisposable
    {
        public void Dispose() => Refuse();

        private void Refuse() => throw new InvalidOperationException($"{thing} is in use, as told");
    }
}
