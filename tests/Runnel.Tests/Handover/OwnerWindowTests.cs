using Microsoft.Extensions.DependencyInjection;
using Runnel.Groups;
using Runnel.Handover;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Handover;

/// <summary>How much a consumer in a worker has under way, and what becomes of it when it closes, leaves, or gives up waiting.</summary>
public sealed class OwnerWindowTests : IAsyncLifetime
{
    private static readonly string Large = new('x', SendWindow.MostBytes);

    private readonly HandedNodes _nodes = new();
    private HandedNode _gateway = null!, _worker = null!;

    public async ValueTask InitializeAsync()
    {
        _nodes.Endpoints["test"] = ConsumerDescriptor.For<Sending>();
        _nodes.Endpoints["shared"] = new DemultiplexerBuilder().Stream<Sending>("a").Stream<Sending>("b").Describe();
        (_gateway, _worker) = await _nodes.StartBothAsync();
    }

    public ValueTask DisposeAsync() => _nodes.DisposeAsync();

    [Fact]
    public async Task A_consumer_has_no_more_frames_under_way_than_its_window_however_many_it_has_sent()
    {
        var client = await _gateway.ConnectAsync();
        await SendAsync(client, _worker, 50);

        Assert.Equal("14 went", await SendUntilItWaitsAsync(client)); // of the fifty, the gateway has not told of two
    }

    [Fact]
    public async Task A_consumer_hears_of_the_bytes_that_are_in_the_clients_queue_although_they_are_in_few_frames()
    {
        var client = await _gateway.ConnectAsync();

        await client.SayAsync("large");

        Assert.Equal("sent", await _nodes.Journal.NextAsync());
        await client.GotAsync(Large);
    }

    [Fact]
    public async Task The_next_owner_has_a_window_of_its_own()
    {
        var client = await _gateway.ConnectAsync();
        await SendAsync(client, _worker, 7);
        var second = await _nodes.StartWorkerAsync();
        await _worker.StopAsync();
        await SendAsync(client, second, 1);

        Assert.Equal("15 went", await SendUntilItWaitsAsync(client));
    }

    [Fact]
    public async Task What_a_consumer_sent_before_it_closed_goes_to_the_client_although_it_waits()
    {
        var client = await _gateway.ConnectAsync();
        client.ShowsClose = true;

        await client.SayAsync("close");

        await client.GotAsync("closed");
        Assert.Equal(SendWindow.MostFrames + 10, client.Writer.Texts.IndexOf("closed"));
    }

    [Fact]
    public async Task What_a_client_says_after_its_consumer_has_closed_is_for_nobody()
    {
        var client = await _gateway.ConnectAsync();
        await client.SayAsync("close");
        await client.ClosedAsync();

        await client.SayAsync("1");
        await Wait.For(client.EndAsync(CloseCode.Normal), "the end, after all that the client said");

        Assert.Equal(0, _nodes.Journal.Unread);
    }

    [Fact]
    public async Task A_client_that_goes_while_nobody_reads_it_ends_the_wait_for_a_consumer_that_does_not_listen()
    {
        var client = await _gateway.ConnectAsync();
        var saying = Task.CompletedTask;
        for (var said = 0; said < HandedSession.MostOpenMessages; said++)
            saying = client.SayAsync("until it waits");
        Assert.False(saying.IsCompleted);

        client.Abort();

        await Wait.For(saying, "whoever reads the socket to go on");
        _nodes.Journal.Gate.SetResult();
    }

    [Fact]
    public async Task A_consumer_that_does_not_wait_for_a_join_any_more_is_not_in_the_group()
    {
        var client = await _gateway.ConnectAsync();
        await client.SayAsync("join and give up");
        Assert.Equal("began", await _nodes.Journal.NextAsync());
        _gateway.Wire.StandStill();
        _nodes.Journal.Gate.SetResult();
        Assert.Equal("gave up", await _nodes.Journal.NextAsync());

        _gateway.Wire.GoOn();
        await _worker.FlushAsync(_gateway);

        await Wait.Until(() => CountOf("kept.news") == 0, "it has left");
    }

    [Fact]
    public async Task Streams_that_are_over_and_those_of_a_client_that_is_gone_are_in_no_group()
    {
        var client = await _gateway.ConnectAsync("shared");
        await client.SayAsync("""{"stream":"a","payload":"join"}""");
        await client.SayAsync("""{"stream":"b","payload":"join"}""");
        await Wait.Until(() => CountOf("kept.news") == 2, "both are in it");

        await client.SayAsync("""{"stream":"b","payload":"end"}""");
        await Wait.Until(() => CountOf("kept.news") == 1, "one has left");
        var ending = client.EndAsync();

        await Wait.Until(() => CountOf("kept.news") == 0, "the other one has left, too");
        await Wait.For(ending, "the end");
    }

    [Fact]
    public async Task What_is_kept_between_two_events_is_there_for_the_next_owner()
    {
        var client = await _gateway.ConnectAsync();
        await client.SayAsync("keep later");
        Assert.Equal("began", await _nodes.Journal.NextAsync());
        Assert.Equal("scope disposed", await _nodes.Journal.NextAsync()); // the event is handled
        _nodes.Journal.Gate.SetResult();
        Assert.Equal("kept", await _nodes.Journal.NextAsync());
        await _worker.FlushAsync(_gateway);
        await _nodes.StartWorkerAsync();

        _nodes.Kill(_worker);

        Assert.Equal("adopted with later", await _nodes.Journal.NextAsync());
    }

    [Fact]
    public async Task What_an_event_has_kept_that_a_death_cuts_short_is_not_there_for_the_next_owner()
    {
        var client = await _gateway.ConnectAsync();
        await client.SayAsync("keep whole");
        await client.SayAsync("keep half");
        Assert.Equal("began", await _nodes.Journal.NextAsync());
        await _worker.FlushAsync(_gateway);
        await _nodes.StartWorkerAsync();

        _nodes.Kill(_worker);

        Assert.Equal(["adopted with whole", "began"], [await _nodes.Journal.NextAsync(), await _nodes.Journal.NextAsync()]);
    }

    private int CountOf(string group) => _gateway.Host.Services.GetRequiredService<GroupRegistry>().CountOf(group);

    // Until the gateway has told the worker of all that it tells of.
    private async Task SendAsync(SocketHere client, HandedNode worker, int frames)
    {
        await client.SayAsync($"{frames}");
        string entry;
        while ((entry = await _nodes.Journal.NextAsync()) != "sent")
            Assert.StartsWith("adopted", entry, StringComparison.Ordinal);
        await worker.FlushAsync(_gateway);
        await _gateway.FlushAsync(worker);
    }

    private async Task<string> SendUntilItWaitsAsync(SocketHere client)
    {
        await client.SayAsync("until it waits");
        Assert.Equal("began", await _nodes.Journal.NextAsync());
        _gateway.Wire.StandStill();
        _nodes.Journal.Gate.SetResult();
        var went = await _nodes.Journal.NextAsync();
        _gateway.Wire.GoOn();
        return went;
    }

    /// <summary>Sends as it is told.</summary>
    public sealed class Sending(Journal journal) : WebSocketConsumer
    {
        public override Task OnAdoptAsync(CancellationToken cancellationToken)
        {
            journal.Write($"adopted with {Connection.GetKept<string>()}");
            return Task.CompletedTask;
        }

        public override Task OnReceiveAsync(string text, CancellationToken cancellationToken) => text switch
        {
            "until it waits" => SendUntilItWaitsAsync(),
            "large" => SendLargeAsync(),
            "close" => SendAndCloseAsync(),
            "join" => Groups.AddAsync("kept.news", cancellationToken).AsTask(),
            "join and give up" => JoinAndGiveUpAsync(),
            "end" => CloseAsync(cancellationToken: cancellationToken),
            "keep later" => BeginToKeepAsync(),
            "keep whole" => KeepWholeAsync(),
            "keep half" => KeepHalfAsync(cancellationToken),
            _ => SendAsync(int.Parse(text, null)),
        };

        private async Task SendAsync(int frames)
        {
            for (; frames > 0; frames--)
                await SendAsync("text", CancellationToken.None);
            journal.Write("sent");
        }

        private async Task SendLargeAsync()
        {
            for (var sent = 0; sent < SendWindow.MostFrames / 2; sent++)
                await SendAsync(Large, CancellationToken.None);
            journal.Write("sent");
        }

        private async Task SendUntilItWaitsAsync()
        {
            journal.Write("began");
            await journal.Gate.Task;
            var (sent, last) = (0, SendAsync("text", CancellationToken.None).AsTask());
            for (; last.IsCompleted && sent < 100; sent++)
                last = SendAsync("text", CancellationToken.None).AsTask();
            journal.Write($"{sent} went");
            await last;
        }

        private Task SendAndCloseAsync()
        {
            for (var sent = 0; sent < SendWindow.MostFrames + 10; sent++)
                _ = SendAsync("text", CancellationToken.None).AsTask();
            return CloseAsync(cancellationToken: CancellationToken.None);
        }

        private async Task JoinAndGiveUpAsync()
        {
            journal.Write("began");
            await journal.Gate.Task;
            using var patience = new CancellationTokenSource();
            var joining = Groups.AddAsync("kept.news", patience.Token).AsTask();
            await patience.CancelAsync();
            await ((Task)joining).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            journal.Write(joining.IsCanceled ? "gave up" : "joined");
        }

        private Task KeepWholeAsync()
        {
            Connection.Keep("whole");
            return Task.CompletedTask;
        }

        private async Task KeepHalfAsync(CancellationToken cancellationToken)
        {
            Connection.Keep("half");
            journal.Write("began");
            await journal.Gate.Task.WaitAsync(cancellationToken);
        }

        private Task BeginToKeepAsync()
        {
            _ = Services.GetRequiredService<ScopedThing>();
            journal.Write("began");
            _ = KeepLaterAsync();
            return Task.CompletedTask;
        }

        private async Task KeepLaterAsync()
        {
            await journal.Gate.Task;
            Connection.Keep("later");
            journal.Write("kept");
        }
    }
}
