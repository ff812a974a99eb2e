using System.Text.Json;
using Runnel.Consumers;
using Runnel.Frames;
using Runnel.Groups;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>A consumer at work and its end, on a connection that nothing carries.</summary>
[Collection(nameof(Metered))]
public sealed class ConsumerSessionTests
{
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public async Task A_consumer_has_thirty_seconds_for_its_end_although_its_client_is_gone()
    {
        var consumer = new SlowToEnd();
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock);
        using var connection = await FakeConnection.ConnectAsync(node, new ConsumerDescriptor("SlowToEnd", usesServices: false, _ => consumer, []));
        connection.Abort();

        var ended = connection.Session.DisconnectAsync(CloseCode.Abnormal);
        var limit = await Wait.For(consumer.Told.Task, "the consumer to be told");
        _clock.Advance(TimeSpan.FromSeconds(29));
        var isCancelledEarly = limit.IsCancellationRequested;
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.False(isCancelledEarly);
        Assert.True(limit.IsCancellationRequested);
        await Wait.For(ended, "the end");
    }

    [Fact]
    public async Task A_consumer_that_loses_its_connection_is_not_told_of_the_end_that_comes_meanwhile_and_nobody_waits()
    {
        var consumer = new Handling();
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock);
        using var connection = await FakeConnection.ConnectAsync(node, consumer.Describe());
        var receiving = connection.Session.ReceiveTextAsync("at hand"u8.ToArray()).AsTask();

        var releasing = connection.Session.ReleaseAsync();
        var ending = connection.Session.DisconnectAsync(CloseCode.Normal);
        Assert.False(releasing.IsCompleted);
        consumer.Handled.SetResult();

        await Wait.For(Task.WhenAll(receiving, releasing, ending), "nobody waits");
        Assert.False(consumer.IsTold);
    }

    [Fact]
    public async Task A_consumer_that_loses_its_connection_while_it_ends_is_not_told_of_the_end()
    {
        var consumer = new Handling();
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock);
        using var connection = await FakeConnection.ConnectAsync(node, consumer.Describe());
        var receiving = connection.Session.ReceiveTextAsync("at hand"u8.ToArray()).AsTask();

        var ending = connection.Session.DisconnectAsync(CloseCode.Normal);
        var releasing = connection.Session.ReleaseAsync();
        consumer.Handled.SetResult();

        await Wait.For(Task.WhenAll(receiving, ending, releasing), "nobody waits");
        Assert.False(consumer.IsTold); // the worker that has the connection now tells its own
    }

    [Fact]
    public async Task Events_that_wait_go_with_the_connection_to_the_other_worker()
    {
        using var counts = new Counts();
        var noting = new Noting { Gate = new TaskCompletionSource() };
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock);
        using var connection = await FakeConnection.ConnectAsync(node, Describe(noting));
        IEventSink events = connection.Session;
        var receiving = connection.Session.ReceiveTextAsync("at hand"u8.ToArray()).AsTask();
        events.Post(new GroupMessage(new Envelope(new Message("note", "1"u8.ToArray()))));

        var releasing = connection.Session.ReleaseAsync();
        events.Post(new GroupMessage(new Envelope(new Message("note", "2"u8.ToArray()))));
        noting.Gate.SetResult();
        await Wait.For(Task.WhenAll(receiving, releasing), "the release");

        Assert.Equal(["connect False", "at hand False"], noting.Noted);
        Assert.Equal(0, counts[RunnelTelemetry.MessagesDropped, "connection-gone"]);
    }

    [Fact]
    public async Task A_cancellation_is_a_failure_of_the_consumer_unless_its_client_is_gone()
    {
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock);
        using var stays = await FakeConnection.ConnectAsync(node, ConsumerDescriptor.For(new ConsumerBuilder().OnReceive((_, _) => throw new OperationCanceledException("of its own"))));
        using var gone = await FakeConnection.ConnectAsync(node, ConsumerDescriptor.For(new ConsumerBuilder().OnReceive((_, _) => throw new OperationCanceledException("as told"))));
        gone.Abort();

        await stays.Session.ReceiveTextAsync("text"u8.ToArray());
        await gone.Session.ReceiveTextAsync("text"u8.ToArray());

        Assert.Equal([CloseCode.InternalError], stays.Closes);
        Assert.Empty(gone.Closes);
    }

    [Fact]
    public async Task Events_that_wait_while_the_consumer_fails_are_counted()
    {
        using var counts = new Counts();
        var failing = new TaskCompletionSource();
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock);
        using var connection = await FakeConnection.ConnectAsync(node, ConsumerDescriptor.For(new ConsumerBuilder().OnReceive((_, _) => new ValueTask(failing.Task))));
        var receiving = connection.Session.ReceiveTextAsync("fail"u8.ToArray()).AsTask();
        IEventSink events = connection.Session;
        events.Post(new GroupMessage(new Envelope(new Message("tick", default))));
        events.Post(new GroupMessage(new Envelope(new Message("tick", default))));

        failing.SetException(new InvalidOperationException("as told"));
        await Wait.For(receiving, "the consumer to fail");
        await Wait.For(connection.Session.DisconnectAsync(CloseCode.InternalError), "the end, which comes after the events");

        Assert.Equal([CloseCode.InternalError], connection.Closes);
        Assert.Equal(2, counts[RunnelTelemetry.MessagesDropped, "connection-gone"]);
    }

    [Fact]
    public async Task Events_that_no_method_handles_or_can_read_are_counted()
    {
        using var counts = new Counts();
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock);
        using var connection = await FakeConnection.ConnectAsync(node, ConsumerDescriptor.For<Noting>());
        IEventSink events = connection.Session;

        events.Post(new GroupMessage(new Envelope(new Message("unheard-of", "1"u8.ToArray()))));
        events.Post(new GroupMessage(new Envelope(new Message("note", "\"no number\""u8.ToArray()))));
        await Wait.For(connection.Session.DisconnectAsync(CloseCode.Normal), "the end, which comes after the events");

        Assert.Equal((1, 1), (counts[RunnelTelemetry.MessagesDropped, "no-handler"], counts[RunnelTelemetry.MessagesDropped, "unreadable"]));
    }

    [Fact]
    public async Task The_event_that_finds_no_room_is_counted_and_so_are_those_that_follow()
    {
        using var counts = new Counts();
        var handling = new TaskCompletionSource();
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock, configure: options => options.MaxWaitingEventBytes = 1);
        using var connection = await FakeConnection.ConnectAsync(node, ConsumerDescriptor.For(new ConsumerBuilder().OnReceive((_, _) => new ValueTask(handling.Task))));
        var receiving = connection.Session.ReceiveTextAsync("at hand"u8.ToArray()).AsTask();
        IEventSink events = connection.Session;
        events.Post(new GroupMessage(new Envelope(new Message("one may always wait", default))));

        events.Post(new GroupMessage(new Envelope(new Message("too many", default))));
        events.Post(new GroupMessage(new Envelope(new Message("later", default))));

        await Wait.Until(() => !connection.Closes.IsEmpty, "the client is sent away");
        Assert.Equal([CloseCode.TryAgainLater], connection.Closes);
        Assert.Equal((1, 1), (counts[RunnelTelemetry.MessagesDropped, "consumer-busy"], counts[RunnelTelemetry.MessagesDropped, "connection-gone"]));
        handling.SetResult();
        await Wait.For(receiving, "what was at hand");
        await Wait.For(connection.Session.DisconnectAsync(CloseCode.TryAgainLater), "the end, which comes after the events");
        Assert.Equal(2, counts[RunnelTelemetry.MessagesDropped, "connection-gone"]); // also the one that was allowed to wait
    }

    [Fact]
    public async Task A_consumer_sees_which_of_its_events_another_worker_may_have_handled()
    {
        var noting = new Noting();
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock);
        using var connection = await FakeConnection.ConnectAsync(node, Describe(noting));
        IEventSink events = connection.Session;

        await connection.Session.ReceiveAsync("again"u8.ToArray(), isText: true, isRedelivered: true);
        await connection.Session.ReceiveAsync("once"u8.ToArray(), isText: true);
        foreach (var isRedelivered in new[] { true, false })
            events.Post(new GroupMessage(new Envelope(new Message("note", "1"u8.ToArray()))) { IsRedelivered = isRedelivered });
        await Wait.For(connection.Session.DisconnectAsync(CloseCode.Normal, wasAccepted: true, isRedelivered: true), "the end, which comes after the events");

        Assert.Equal(["connect False", "again True", "once False", "note True", "note False", "end True"], noting.Noted);
    }

    [Fact]
    public async Task Each_function_of_a_consumer_gets_the_token_that_ends_with_the_client()
    {
        var tokens = new List<CancellationToken>();
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock);
        using var connection = new FakeConnection(node, ConsumerDescriptor.For(new ConsumerBuilder()
            .OnConnect((_, token) => Note(token))
            .OnReceive((_, _, token) => Note(token))
            .OnReceiveBinary((_, _, token) => Note(token))));

        await connection.Session.ConnectAsync();
        await connection.Session.ReceiveTextAsync("text"u8.ToArray());
        await connection.Session.ReceiveBinaryAsync("bytes"u8.ToArray());

        Assert.Equal([connection.Gone, connection.Gone, connection.Gone], tokens);

        Task Note(CancellationToken token)
        {
            tokens.Add(token);
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task Whatever_a_json_consumer_handles_it_gets_the_token_that_ends_with_the_client()
    {
        var consumer = new Tokens();
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock);
        using var connection = await FakeConnection.ConnectAsync(node, new ConsumerDescriptor(
            "Tokens", usesServices: false, _ => consumer, [EventHandlerMethod.Of<Tokens>("note", typeof(Tokens).GetMethod(nameof(Tokens.OnNoteAsync))!)]));
        IEventSink events = connection.Session;

        await connection.Session.ReceiveTextAsync("1"u8.ToArray());
        await connection.Session.ReceivePayloadAsync(JsonElement.Parse("2"u8), isRedelivered: false);
        events.Post(new GroupMessage(new Envelope(new Message("note", default))));
        events.Post(GroupMessage.OfGap(new GroupPlace("news", Tag: null, Position.None, IsGap: true)));
        await Wait.For(connection.Session.DisconnectAsync(CloseCode.Normal), "the end, which comes after the events");

        foreach (var what in new[] { "connect", "1", "2", "note", "gap" })
            Assert.Equal((what, connection.Gone), consumer.Given.Dequeue());
    }

    [Fact]
    public async Task A_message_of_the_client_does_not_wait_for_events_that_came_after_it()
    {
        var noting = new Noting { Gate = new TaskCompletionSource() };
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock);
        using var connection = await FakeConnection.ConnectAsync(node, Describe(noting));
        IEventSink events = connection.Session;
        var note = new GroupMessage(new Envelope(new Message("note", "1"u8.ToArray())));
        var first = connection.Session.ReceiveTextAsync("at hand"u8.ToArray()).AsTask();

        events.Post(note);
        var second = connection.Session.ReceiveTextAsync("next"u8.ToArray()).AsTask();
        events.Post(note);
        noting.Gate.SetResult();
        await Wait.For(Task.WhenAll(first, second), "the messages");
        await Wait.For(connection.Session.DisconnectAsync(CloseCode.Normal), "the end, which comes after the events");

        Assert.Equal(["connect False", "at hand False", "note False", "next False", "note False", "end False"], noting.Noted);
    }

    [Fact]
    public async Task A_consumer_that_is_too_busy_is_logged_once_and_each_message_that_is_lost_is_counted()
    {
        using var counts = new Counts();
        using var log = new RecordedLog();
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock, log);
        using var connection = await FakeConnection.ConnectAsync(node);
        IEventSink events = connection.Session;

        events.OnOverflow(7);
        events.OnOverflow(7);

        await Wait.Until(() => !connection.Closes.IsEmpty, "the client is sent away");
        Assert.Contains(": 7 messages wait", Assert.Single(log.Of(1005)).Text, StringComparison.Ordinal);
        Assert.Equal(2, counts[RunnelTelemetry.MessagesDropped, "consumer-busy"]);
    }

    [Fact]
    public async Task A_consumer_that_can_be_disposed_of_in_both_ways_is_disposed_of_asynchronously_and_once()
    {
        var consumer = new Twofold();
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock);
        using var connection = await FakeConnection.ConnectAsync(node, new ConsumerDescriptor("Twofold", usesServices: false, _ => consumer, []));

        await Wait.For(connection.Session.DisconnectAsync(CloseCode.Normal), "the end");

        Assert.Equal(["asynchronously"], consumer.Disposed);
    }

    [Fact]
    public async Task A_consumer_that_is_asked_for_its_connection_in_its_constructor_says_from_when_on_it_has_one()
    {
        using var log = new RecordedLog();
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock, log);

        using var connection = await FakeConnection.ConnectAsync(node, ConsumerDescriptor.For<Hasty>());

        Assert.Equal([CloseCode.InternalError], connection.Closes);
        Assert.Equal("Hasty has no connection yet: use it from OnConnectAsync on, not in the constructor.", Assert.Single(log.Of(1001)).Exception!.Message);
    }

    private static ConsumerDescriptor Describe(Noting consumer) =>
        new("Noting", usesServices: false, _ => consumer, [EventHandlerMethod.Of<Noting>("note", typeof(Noting).GetMethod(nameof(Noting.OnNoteAsync))!)]);

    /// <summary>Notes down what happens, and whether it may have happened before.</summary>
    public sealed class Noting : WebSocketConsumer
    {
        public List<string> Noted { get; } = [];

        /// <summary>Each message of the client waits for it, when set.</summary>
        public TaskCompletionSource? Gate { get; init; }

        public override Task OnConnectAsync(CancellationToken cancellationToken) => Note("connect");

        public override async Task OnReceiveAsync(string text, CancellationToken cancellationToken)
        {
            await (Gate?.Task ?? Task.CompletedTask);
            await Note(text);
        }

        [Handles("note")]
        public Task OnNoteAsync(int number) => number > 0 ? Note("note") : Task.CompletedTask;

        public override Task OnDisconnectAsync(int code, CancellationToken cancellationToken) => Note("end");

        private Task Note(string what)
        {
            Noted.Add($"{what} {Connection.IsRedelivered}");
            return Task.CompletedTask;
        }
    }

    public sealed class Tokens : JsonWebSocketConsumer
    {
        public Queue<(string What, CancellationToken Token)> Given { get; } = new();

        public override Task OnConnectAsync(CancellationToken cancellationToken) => Note("connect", cancellationToken);

        public override Task OnReceiveAsync(JsonElement message, CancellationToken cancellationToken) => Note($"{message}", cancellationToken);

        [Handles("note")]
        public Task OnNoteAsync(CancellationToken cancellationToken) => Note("note", cancellationToken);

        public override Task OnGapAsync(GroupName group, CancellationToken cancellationToken) => Note("gap", cancellationToken);

        private Task Note(string what, CancellationToken cancellationToken)
        {
            Given.Enqueue((what, cancellationToken));
            return Task.CompletedTask;
        }
    }

    public sealed class Hasty : WebSocketConsumer
    {
        public Hasty() => _ = Scope;
    }

    private sealed class Twofold : WebSocketConsumer, IDisposable, IAsyncDisposable
    {
        public List<string> Disposed { get; } = [];

        public void Dispose() => Disposed.Add("at once");

        public ValueTask DisposeAsync()
        {
            Disposed.Add("asynchronously");
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Takes as long for its end as it may.</summary>
    private sealed class SlowToEnd : WebSocketConsumer
    {
        public TaskCompletionSource<CancellationToken> Told { get; } = new();

        public override Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
        {
            Told.SetResult(cancellationToken);
            return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>A consumer that handles a message until the test lets it, and knows whether it was told of the end.</summary>
    private sealed class Handling
    {
        public TaskCompletionSource Handled { get; } = new();

        public bool IsTold { get; private set; }

        public ConsumerDescriptor Describe() => ConsumerDescriptor.For(new ConsumerBuilder().OnReceive((_, _) => new ValueTask(Handled.Task)).OnDisconnect((_, _) =>
        {
            IsTold = true;
            return Task.CompletedTask;
        }));
    }
}
