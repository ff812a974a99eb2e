using Runnel.Groups;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>The end of a consumer, on a connection that nothing carries.</summary>
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
        var (handling, told) = (new TaskCompletionSource(), false);
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(_clock), _clock);
        using var connection = await FakeConnection.ConnectAsync(node, ConsumerDescriptor.For(new ConsumerBuilder().OnReceive((_, _) => new ValueTask(handling.Task)).OnDisconnect((_, _) =>
        {
            told = true;
            return Task.CompletedTask;
        })));
        var receiving = connection.Session.ReceiveTextAsync("at hand"u8.ToArray()).AsTask();

        var releasing = connection.Session.ReleaseAsync();
        var ending = connection.Session.DisconnectAsync(CloseCode.Normal);
        Assert.False(releasing.IsCompleted);
        handling.SetResult();

        await Wait.For(Task.WhenAll(receiving, releasing, ending), "nobody waits");
        Assert.False(told);
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
}
