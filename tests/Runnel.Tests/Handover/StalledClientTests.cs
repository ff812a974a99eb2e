using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Handover;

/// <summary>A connection and its consumer in another node, while the client reads nothing.</summary>
public sealed class StalledClientTests : IAsyncLifetime
{
    // A worker may send both. The share that a consumer has of its client's queue is a quarter, and has room for one.
    private const int MaxBytes = 4 * 64 * 1024;
    private static readonly string First = new('1', 40 * 1024);
    private static readonly string Second = new('2', 40 * 1024);

    private readonly HandedNodes _nodes = new();
    private HandedNode _gateway = null!, _worker = null!;

    public async ValueTask InitializeAsync()
    {
        _nodes.Endpoints["test"] = ConsumerDescriptor.For<Wordy>();
        _nodes.Endpoints["shared"] = new DemultiplexerBuilder().Stream<Wordy>("a").Describe();
        (_gateway, _worker) = await _nodes.StartBothAsync();
    }

    public ValueTask DisposeAsync() => _nodes.DisposeAsync();

    [Fact]
    public async Task A_client_is_told_that_an_event_is_done_after_what_its_consumer_sent_while_handling_it()
    {
        var client = await ConnectAsync("test", Greeted.Hello());
        client.Writer.Block();

        await _gateway.Groups.SendEventAsync("kept.news", "tick", "an event");
        await _nodes.Journal.NextAsync();
        await _gateway.Groups.SendEventAsync("kept.news", "tock", "");
        Assert.Equal("the first is handled", await _nodes.Journal.NextAsync());
        await _worker.FlushAsync(_gateway);
        client.Writer.Unblock();

        await Wait.Until(() => Positions(client).Count == 2, "both are done");
        Assert.True(client.Writer.Texts.FindLastIndex(static text => text.Contains(Second, StringComparison.Ordinal)) < Positions(client)[0]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_worker_asked_for_is_done_before_the_next_one_gets_the_connection(bool dies)
    {
        var client = _gateway.Open("test", outbound: new() { MaxBytes = MaxBytes });
        client.Writer.Block();
        var connecting = client.Session.ConnectAsync();
        await client.SayAsync("nothing");
        Assert.Equal(["said", "connected"], [await _nodes.Journal.NextAsync(), await _nodes.Journal.NextAsync()]);
        await _nodes.StartWorkerAsync();

        if (dies)
        {
            await _worker.FlushAsync(_gateway);
            _nodes.Kill(_worker);
            await Wait.Until(() => _gateway.Owners.LoadOf(_worker.Id) == 0, "the gateway has noticed");
        }
        else
            await _worker.StopAsync();
        Assert.False(connecting.IsCompleted);
        client.Writer.Unblock();

        await Wait.For(connecting, "the connect");
        Assert.Equal("adopted", await _nodes.Journal.NextAsync());
        Assert.Empty(client.Closes);
    }

    [Fact]
    public async Task A_stream_that_a_worker_closed_stays_closed_in_the_next_one()
    {
        var client = await ConnectAsync("shared");
        client.Writer.Block();
        await client.SayAsync("""{"stream":"a","payload":"close"}""");
        await _nodes.Journal.NextAsync();
        await _nodes.StartWorkerAsync();

        await _worker.StopAsync();
        client.Writer.Unblock();
        await client.SayAsync("""{"stream":"a","payload":"more"}""");

        await client.GotAsync("""{"stream":"a","error":"This stream is closed. Connect again to open it."}""");
        Assert.Equal(0, _nodes.Journal.Unread);
    }

    [Fact]
    public async Task A_consumer_cuts_its_client_at_once()
    {
        var client = await ConnectAsync("test");
        client.Writer.Block();

        await client.SayAsync("abort");

        await Wait.Until(() => client.Gone.IsCancellationRequested, "the client is cut");
    }

    [Fact]
    public async Task When_a_consumer_closes_the_client_has_a_limited_time_to_read_what_was_sent_before()
    {
        var client = await ConnectAsync("test");
        client.Writer.Block();

        await client.SayAsync("close");
        await Wait.Until(() => client.IsClosing, "the time runs");
        Assert.Empty(client.Closes);
        client.Writer.Unblock();

        await client.ClosedAsync();
        Assert.Equal([First, Second], client.Writer.Texts.TakeLast(2));
    }

    private static List<int> Positions(SocketHere client) =>
        [.. client.Writer.Texts.Select(static (text, at) => (text, at)).Where(static one => one.text.StartsWith("{\"position\":", StringComparison.Ordinal)).Select(static one => one.at)];

    // The client reads what is sent to it at connecting.
    private async Task<SocketHere> ConnectAsync(string endpoint, ClientHello? hello = null)
    {
        var client = _gateway.Open(endpoint, hello, new() { MaxBytes = MaxBytes });
        await Wait.For(client.Session.ConnectAsync(), "the connect");
        Assert.Equal("said", await _nodes.Journal.NextAsync());
        return client;
    }

    /// <summary>Says more than a client takes that does not read.</summary>
    public sealed class Wordy(Journal journal) : WebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("kept.news", cancellationToken);
            await SayAsync(cancellationToken);
        }

        public override Task OnAdoptAsync(CancellationToken cancellationToken)
        {
            journal.Write("adopted");
            return Task.CompletedTask;
        }

        public override async Task OnReceiveAsync(string text, CancellationToken cancellationToken)
        {
            if (text == "nothing")
                journal.Write("connected");
            else
                await SayAsync(cancellationToken);
            if (text == "abort")
                Connection.Abort();
            else if (text == "close")
                await CloseAsync(cancellationToken: cancellationToken);
        }

        [Handles("tick")]
        public Task OnTickAsync(string _, CancellationToken cancellationToken) => SayAsync(cancellationToken);

        [Handles("tock")]
        public Task OnTockAsync()
        {
            journal.Write("the first is handled");
            return Task.CompletedTask;
        }

        private async Task SayAsync(CancellationToken cancellationToken)
        {
            await SendAsync(First, cancellationToken);
            await SendAsync(Second, cancellationToken);
            journal.Write("said");
        }
    }
}
