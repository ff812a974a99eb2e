using Runnel.Handover;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Handover;

/// <summary>Events of groups, joins and callbacks of consumers in a worker, when something goes wrong.</summary>
public sealed class HandedEventTests : IAsyncLifetime
{
    private readonly HandedNodes _nodes = new();
    private HandedNode _gateway = null!, _worker = null!;

    private Journal Journal => _nodes.Journal;

    public async ValueTask InitializeAsync()
    {
        _nodes.Endpoints["test"] = ConsumerDescriptor.For<Member>();
        _nodes.Endpoints["shared"] = new DemultiplexerBuilder().Stream<Member>("a").Stream<Member>("b").Describe();
        (_gateway, _worker) = await _nodes.StartBothAsync();
    }

    public ValueTask DisposeAsync() => _nodes.DisposeAsync();

    [Fact]
    public async Task An_event_that_a_dead_worker_may_have_begun_is_marked_as_such_in_each_stream_of_a_socket()
    {
        var client = await _gateway.ConnectAsync("shared");
        await client.GotAsync("""{"stream":"a","payload":"snapshot"}""", """{"stream":"b","payload":"snapshot"}""");
        await _gateway.Groups.SendEventAsync("kept.news", "tick", "one");
        Assert.Equal(["began one", "began one"], [await Journal.NextAsync(), await Journal.NextAsync()]);
        await _nodes.StartWorkerAsync();

        _nodes.Kill(_worker);
        Assert.Equal(["began one", "began one"], [await Journal.NextAsync(), await Journal.NextAsync()]);
        Journal.Gate.SetResult();

        await client.GotAsync("""{"stream":"a","payload":"one again"}""", """{"stream":"b","payload":"one again"}""");
    }

    [Fact]
    public async Task An_event_for_a_stream_that_the_worker_does_not_have_waits_no_longer_at_the_gateway()
    {
        var client = await _gateway.ConnectAsync();
        var session = (HandedSession)client.Session;

        session.Post(new HandedMember(session, stream: 12_345, "unknown"), new GroupMessage(new Envelope(new Message("tick", "1"u8.ToArray()))));

        await Wait.Until(() => client.Session.Connection.Waiting.Value == 0, "the gateway keeps nothing");
        Assert.Empty(client.Closes);
    }

    [Fact]
    public async Task A_consumer_that_connects_too_slowly_for_its_groups_is_told_to_come_back()
    {
        _nodes.Endpoints["test"] = ConsumerDescriptor.For<Slow>();
        var client = _gateway.Open();
        _ = client.Session.ConnectAsync();
        Assert.Equal("joined", await Journal.NextAsync());

        for (var sent = 0; sent < 6; sent++)
            await _gateway.Groups.SendAsync("kept.news", new string('x', _gateway.Context.Options.MaxWaitingEventBytes / 5));

        await client.ClosedAsync();
        Assert.Equal([CloseCode.TryAgainLater], client.Closes);
        Assert.Single(_nodes.Log.Of(1005));
        Journal.Gate.SetResult();
    }

    [Theory]
    [InlineData(true, nameof(BackplaneUnavailableException))]
    [InlineData(false, nameof(InvalidOperationException))]
    public async Task A_consumer_learns_why_it_could_not_join_a_group(bool isAway, string expected)
    {
        var client = await _gateway.ConnectAsync();
        _gateway.Wire.Refusal = isAway ? new BackplaneUnavailableException("The test lets it fail.") : new NotSupportedException("The test lets it fail.");

        await client.SayAsync("join");

        await client.GotAsync($"{expected}: The test lets it fail.");
    }

    [Fact]
    public async Task A_stream_whose_number_is_not_the_sockets_own_costs_the_connection()
    {
        var client = await _gateway.ConnectAsync("shared");
        var number = client.Session.Connection.Number;

        _worker.Links.Send(_gateway.Id, new ToGateway.Named(HandoverFormat.Asked.StreamBegins, number, owner: 1, number + 100_000, request: 0, "foreign"));

        await Wait.Until(() => client.Gone.IsCancellationRequested, "it is cut");
        Assert.Contains("'foreign'", Assert.Single(_nodes.Log.Of(1064)).Exception!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_application_registered_for_the_end_may_fail_and_the_consumer_is_told_of_it()
    {
        _nodes.Endpoints["test"] = ConsumerDescriptor.For(new ConsumerBuilder()
            .OnConnect(async (connection, cancellationToken) =>
            {
                await connection.AcceptAsync(AcceptOptions.Default, cancellationToken);
                connection.Gone.Register(static () => throw new InvalidOperationException("The test lets it fail."));
            })
            .OnDisconnect((code, _) =>
            {
                Journal.Write($"end {code}");
                return Task.CompletedTask;
            }));
        var client = await _gateway.ConnectAsync();

        await Wait.For(client.EndAsync(CloseCode.Normal), "the end");

        Assert.Equal("end 1000", await Journal.NextAsync());
        await Wait.Until(() => _nodes.Log.Of(1067).Any(), "it is logged");
    }

    [Fact]
    public async Task What_is_known_of_a_client_is_there_also_when_it_is_asked_late()
    {
        var client = await _gateway.ConnectAsync();

        await client.SayAsync("path");

        await client.GotAsync("/");
    }

    /// <summary>A member of a group that waits with its events.</summary>
    public sealed class Member(Journal journal) : WebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("kept.news", cancellationToken);
            await SendAsync("snapshot", cancellationToken);
        }

        public override Task OnAdoptAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override async Task OnReceiveAsync(string text, CancellationToken cancellationToken)
        {
            if (text == "path")
            {
                await SendAsync(Scope.Path, cancellationToken);
                return;
            }
            var failure = await Record.ExceptionAsync(() => Groups.AddAsync("other", cancellationToken).AsTask());
            await SendAsync($"{failure?.GetType().Name}: {failure?.Message}", cancellationToken);
        }

        [Handles("tick")]
        public async Task OnTickAsync(string body, CancellationToken cancellationToken)
        {
            journal.Write($"began {body}");
            await journal.Gate.Task.WaitAsync(cancellationToken);
            await SendAsync($"{body}{(Connection.IsRedelivered ? " again" : "")}", cancellationToken);
        }
    }

    /// <summary>Joins a group, and does not come to an end with connecting.</summary>
    public sealed class Slow(Journal journal) : WebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("kept.news", cancellationToken);
            journal.Write("joined");
            await journal.Gate.Task.WaitAsync(cancellationToken);
        }
    }
}
