using Microsoft.AspNetCore.Builder;
using Runnel.Consumers;
using Runnel.Frames;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>Events of groups and of channels, and the methods that handle them.</summary>
public abstract class EventTests : ConsumerTests
{
    public sealed class BesideTheSocket : EventTests
    {
        private protected override bool InAWorker => false;
    }

    public sealed class InTheWorker : EventTests
    {
        private protected override bool InAWorker => true;
    }

    [Fact]
    public async Task Each_form_of_handler_gets_what_it_takes()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Forms>("/ws"));
        await using var client = await app.ConnectInMemoryAsync("/ws");
        await app.JoinedAsync("forms");

        await app.Groups.SendEventAsync("forms", "body", new Thing("a", 1));
        await app.Groups.SendEventAsync("forms", "body-and-token", new Thing("b", 2));
        await app.Groups.SendEventAsync("forms", "message", new Thing("c", 3));
        await app.Groups.SendEventAsync("forms", "token", new Thing("d", 4));
        await app.Groups.SendEventAsync("forms", "nothing", new Thing("e", 5));
        await app.Groups.SendEventAsync("forms", "number", 6);
        await app.Groups.SendEventAsync("forms", "inherited", 7);
        await app.Groups.SendEventAsync("forms", "another number", 8);

        foreach (var expected in new[] { "a1", "b2 False", """message {"name":"c","count":3}""", "False", "nothing", "12", "inherited", "16" })
            Assert.Equal(expected, await client.ReceiveTextAsync());
    }

    [Fact]
    public async Task Events_and_messages_are_handled_one_at_a_time_in_the_order_they_arrived()
    {
        await using var app = await StartAsync(app => app.MapConsumer<OneAtATime>("/ws"));
        var client = await app.ConnectAsync("/ws");
        var channel = await client.ReceiveTextAsync();

        await client.SendTextAsync("hold"); // holds its turn until the gate opens
        Assert.Equal("hold", await app.Journal.NextAsync());
        for (var i = 0; i < 3; i++)
            await app.Node.SendEventAsync(channel, new Message("tick", System.Text.Encoding.UTF8.GetBytes($"{i}")));
        await client.SendTextAsync("last");
        Assert.Equal(0, app.Journal.Unread);
        app.Journal.Gate.SetResult();

        foreach (var entry in new[] { "hold done", "tick 0", "tick 0 done", "tick 1", "tick 1 done", "tick 2", "tick 2 done", "last", "last done" })
            Assert.Equal(entry, await app.Journal.NextAsync());
    }

    [Fact]
    public async Task Under_load_no_two_handlers_of_a_connection_ever_run_at_once_and_nothing_is_lost()
    {
        await using var app = await StartAsync(app => app.MapConsumer<Counting>("/ws", options => options.MaxMessageBurst = 10_000));
        var client = await app.ConnectAsync("/ws");
        var channel = await client.ReceiveTextAsync();

        await Wait.For(Task.WhenAll(
            Task.Run(async () =>
            {
                for (var i = 0; i < 500; i++)
                    await client.SendTextAsync("m");
            }),
            Task.Run(async () =>
            {
                for (var i = 0; i < 500; i++)
                    await app.Node.SendEventAsync(channel, new Message("tick", "0"u8.ToArray()));
            })), "the senders");
        await client.SendTextAsync("report");

        Assert.Equal("messages 501, events 500, overlaps 0", await client.ReceiveTextAsync());
    }

    [Fact]
    public async Task An_event_that_no_method_handles_is_left_and_the_connection_goes_on()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Forms>("/ws"));
        await using var client = await app.ConnectInMemoryAsync("/ws");
        await app.JoinedAsync("forms");

        await app.Groups.SendEventAsync("forms", "unheard-of", 1);
        await app.Groups.SendEventAsync("forms", "number", 1);

        Assert.Equal("2", await client.ReceiveTextAsync());
        Assert.Single(app.Logs.Of(1003));
    }

    [Fact]
    public async Task An_event_whose_body_cannot_be_read_is_left_and_logged_and_the_connection_goes_on()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Forms>("/ws"));
        await using var client = await app.ConnectInMemoryAsync("/ws");
        await app.JoinedAsync("forms");

        await app.Groups.SendEventAsync("forms", "number", "not a number");
        await app.Groups.SendEventAsync("forms", "number", 1);

        Assert.Equal("2", await client.ReceiveTextAsync());
        Assert.Single(app.Logs.Of(1004));
    }

    [Fact]
    public async Task A_handler_that_fails_closes_its_connection_with_1011()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Forms>("/ws"));
        await using var client = await app.ConnectInMemoryAsync("/ws");
        await app.JoinedAsync("forms");

        await app.Groups.SendEventAsync("forms", "fail", 1);
        await app.Groups.SendEventAsync("forms", "fail", 1);

        Assert.Equal(CloseCode.InternalError, await client.ReceiveCloseAsync());
        Assert.Single(app.Logs.Of(1001));
    }

    [Fact]
    public async Task A_consumer_too_busy_for_its_events_is_told_to_come_back()
    {
        await using var app = await StartInMemoryAsync(
            app => app.MapConsumer<OneAtATime>("/ws"), builder => builder.With((RunnelOptions options) => options.MaxWaitingEventBytes = 400));
        await using var client = await app.ConnectInMemoryAsync("/ws");
        var channel = await client.ReceiveTextAsync();
        await client.SendTextAsync("hold");
        Assert.Equal("hold", await app.Journal.NextAsync());

        for (var i = 0; i < 5; i++)
            await app.Node.SendEventAsync(channel, new Message("tick", "0"u8.ToArray()));

        Assert.Equal(CloseCode.TryAgainLater, await client.ReceiveCloseAsync());
        Assert.Single(app.Logs.Of(1005));
        app.Journal.Gate.SetResult();
    }

    [Fact]
    public async Task Ten_thousand_events_at_once_wait_for_a_busy_consumer_and_are_all_handled()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<Counting>("/ws"));
        await using var client = await app.ConnectInMemoryAsync("/ws");
        var channel = await client.ReceiveTextAsync();
        var body = new byte[100];

        for (var i = 0; i < 10_000; i++)
            await app.Node.SendEventAsync(channel, new Message("tick", body));
        await client.SendTextAsync("report");

        Assert.Equal("messages 1, events 10000, overlaps 0", await client.ReceiveTextAsync());
        Assert.Empty(app.Logs.Of(1005));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_taken_out_to_be_handled_or_goes_to_another_worker_waits_no_more(bool isHandled)
    {
        var waiting = new WaitingBytes(1000);
        var turn = ConsumerTurn.Taken(waiting);
        var message = new GroupMessage(new Envelope(new Message("tick", new byte[100])));
        turn.TryPost(message, out _);
        turn.TryPost(message, out _);
        Assert.Equal((2, 2L * message.Cost), (turn.Waiting, waiting.Value));

        if (isHandled)
            Assert.True(turn.TryNext(out _) && turn.TryNext(out _));
        else
            _ = turn.TakeForReleaseAsync();

        Assert.Equal((0, 0L), (turn.Waiting, waiting.Value));
    }

    [Fact]
    public async Task A_single_event_may_be_larger_than_all_that_may_wait()
    {
        await using var app = await StartInMemoryAsync(
            app => app.MapConsumer<Counting>("/ws"), builder => builder.With((RunnelOptions options) => options.MaxWaitingEventBytes = 1));
        await using var client = await app.ConnectInMemoryAsync("/ws");
        var channel = await client.ReceiveTextAsync();

        await app.Node.SendEventAsync(channel, new Message("tick", new byte[100]));
        await client.SendTextAsync("report");

        Assert.Equal("messages 1, events 1, overlaps 0", await client.ReceiveTextAsync());
    }

    [Fact]
    public async Task Events_that_arrived_before_the_end_are_handled_before_it()
    {
        await using var app = await StartInMemoryAsync(app => app.MapConsumer<OneAtATime>("/ws"));
        await using var client = await app.ConnectInMemoryAsync("/ws");
        var channel = await client.ReceiveTextAsync();
        await app.Node.SendEventAsync(channel, new Message("hold", "0"u8.ToArray()));
        Assert.Equal("hold 0", await app.Journal.NextAsync());
        await app.Node.SendEventAsync(channel, new Message("tick", "1"u8.ToArray()));
        await client.DisconnectAsync();
        await Wait.Until(() => app.Node.ConnectionCount == 0, "the end has come");

        app.Journal.Gate.SetResult();

        foreach (var entry in new[] { "hold 0 done", "tick 1", "tick 1 done", "end" })
            Assert.Equal(entry, await app.Journal.NextAsync());
    }

    public sealed record Thing(string Name, int Count);

    public abstract class FormsBelow : WebSocketConsumer
    {
        [Handles("inherited")]
        public virtual Task OnInheritedAsync() => throw new InvalidOperationException("overridden");
    }

    public sealed class Forms : FormsBelow
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("forms", cancellationToken);
        }

        [Handles("body")]
        public Task OnBodyAsync(Thing thing) => SendAsync($"{thing.Name}{thing.Count}").AsTask();

        [Handles("body-and-token")]
        public ValueTask OnBodyAndTokenAsync(Thing thing, CancellationToken cancellationToken) =>
            SendAsync($"{thing.Name}{thing.Count} {cancellationToken.IsCancellationRequested}", cancellationToken);

        [Handles("message")]
        public ValueTask OnMessageAsync(Message message) => SendAsync($"{message.Type} {System.Text.Encoding.UTF8.GetString(message.Body.Span)}");

        [Handles("token")]
        public ValueTask OnTokenAsync(CancellationToken cancellationToken) => SendAsync($"{cancellationToken.IsCancellationRequested}", cancellationToken);

        [Handles("nothing")]
        public ValueTask OnNothingAsync() => SendAsync("nothing");

        [Handles("number")]
        [Handles("another number")]
        public ValueTask OnNumberAsync(int number) => SendAsync($"{number * 2}");

        [Handles("fail")]
        public Task OnFailAsync() => throw new InvalidOperationException("as told");

        public override Task OnInheritedAsync() => SendAsync("inherited").AsTask();
    }

    public sealed class OneAtATime(Journal journal) : WebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await SendAsync(Connection.ChannelName.Value, cancellationToken);
        }

        public override Task OnReceiveAsync(string text, CancellationToken cancellationToken) => WorkAsync(text, text == "hold");

        [Handles("tick")]
        public Task OnTickAsync(int number) => WorkAsync($"tick {number}", holds: false);

        [Handles("hold")]
        public Task OnHoldAsync(int number) => WorkAsync($"hold {number}", holds: true);

        public override Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
        {
            journal.Write("end");
            return Task.CompletedTask;
        }

        private async Task WorkAsync(string entry, bool holds)
        {
            journal.Write(entry);
            await Task.Yield();
            if (holds)
                await journal.Gate.Task;
            journal.Write($"{entry} done");
        }
    }

    public sealed class Counting : WebSocketConsumer
    {
        private int _running;
        private int _messages;
        private int _events;
        private int _overlaps;

        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await SendAsync(Connection.ChannelName.Value, cancellationToken);
        }

        public override async Task OnReceiveAsync(string text, CancellationToken cancellationToken)
        {
            await WorkAsync();
            _messages++;
            if (text == "report")
                await SendAsync($"messages {_messages}, events {_events}, overlaps {_overlaps}", cancellationToken);
        }

        [Handles("tick")]
        public async Task OnTickAsync()
        {
            await WorkAsync();
            _events++;
        }

        private async Task WorkAsync()
        {
            if (Interlocked.Increment(ref _running) != 1)
                _overlaps++;
            await Task.Yield();
            Interlocked.Decrement(ref _running);
        }
    }
}
