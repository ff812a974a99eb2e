using System.Text;
using Microsoft.AspNetCore.Builder;
using Runnel.Layers;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>What holds for clients of <c>runnel.v1</c> that come back, on any layer that keeps history: over real sockets, with two nodes.</summary>
public abstract class RecoverySpecification : IAsyncLifetime
{
    private readonly List<RunnelApp> _apps = [];

    /// <summary>Opens the backplane of one more node; all of a test reach each other.</summary>
    protected abstract IBackplane Open();

    /// <summary>Whether each node leaves its consumers to a worker beside it.</summary>
    private protected virtual bool InAWorker => false;

    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual async ValueTask DisposeAsync()
    {
        _apps.ForEach(static app => app.CutClients());
        foreach (var app in _apps)
            await app.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_client_that_comes_back_to_another_node_gets_what_it_missed_in_order_and_once()
    {
        var (here, there) = (await StartAsync(), await StartAsync());
        var client = new GreetedClient();
        await client.ConnectAsync(here, "/ws");
        Assert.Equal(["new"], await client.ReceiveJoinedAsync());
        await SendAsync(here, 1, 5);
        Assert.Equal(Numbers(1, 5), await ReceiveAsync(client, 5));

        client.Cut();
        await SendAsync(there, 6, 255);
        await client.ConnectAsync(there, "/ws");

        Assert.Equal(["recovered"], await client.ReceiveJoinedAsync());
        Assert.Equal(Numbers(6, 255), await ReceiveAsync(client, 250));
        await SendAsync(here, 256, 257);
        Assert.Equal(Numbers(256, 257), await ReceiveAsync(client, 2));
    }

    [Fact]
    public async Task A_client_that_is_cut_again_and_again_while_messages_flow_gets_each_once_and_in_order()
    {
        RunnelApp[] nodes = [await StartAsync(), await StartAsync()];
        var client = new GreetedClient();
        await client.ConnectAsync(nodes[0], "/ws");
        await client.ReceiveJoinedAsync();
        var sending = SendAsync(nodes[0], 1, 400);

        var received = new List<int>();
        for (var cuts = 1; cuts <= 4; cuts++)
        {
            received.AddRange(await ReceiveAsync(client, 50));
            client.Cut();
            await client.ConnectAsync(nodes[cuts % 2], "/ws");
            Assert.Equal(["recovered"], await client.ReceiveJoinedAsync());
        }
        received.AddRange(await ReceiveAsync(client, 200));
        await sending;

        Assert.Equal(Numbers(1, 400), received);
    }

    [Fact]
    public async Task A_position_that_the_history_does_not_reach_any_more_is_a_gap_and_what_follows_arrives()
    {
        var (here, there) = (await StartAsync(), await StartAsync());
        var client = new GreetedClient();
        await client.ConnectAsync(here, "/ws?groups=short");
        await client.ReceiveJoinedAsync();

        client.Cut();
        await SendAsync(here, 1, 20, "short");
        await client.ConnectAsync(there, "/ws?groups=short");

        Assert.Equal("snapshot of short", (await client.ReceivePayloadAsync()).GetString());
        Assert.Equal(["gap"], await client.ReceiveJoinedAsync());
        await SendAsync(here, 21, 21, "short");
        Assert.Equal([21], await ReceiveAsync(client, 1));
    }

    [Fact]
    public async Task A_group_that_nobody_ever_sent_to_recovers()
    {
        var (here, there) = (await StartAsync(), await StartAsync());
        var client = new GreetedClient();
        await client.ConnectAsync(here, "/ws");
        await client.ReceiveJoinedAsync();

        client.Cut();
        await client.ConnectAsync(there, "/ws");

        Assert.Equal(["recovered"], await client.ReceiveJoinedAsync());
        await SendAsync(here, 1, 1);
        Assert.Equal([1], await ReceiveAsync(client, 1));
    }

    [Fact]
    public async Task The_group_of_a_job_recovers_with_its_latest_state()
    {
        var job = $"job.{MessageId.New(TimeProvider.System)}";
        var layer = Open();
        var (here, there) = (await StartAsync(layer), await StartAsync());
        var client = new GreetedClient();
        await StateAsync(1);
        await client.ConnectAsync(here, $"/ws?groups={job}");
        Assert.Equal(["new"], await client.ReceiveJoinedAsync());
        await StateAsync(2);
        Assert.Equal(2, (await client.ReceivePayloadAsync()).GetInt32());

        client.Cut();
        await StateAsync(3);
        await StateAsync(4);
        await client.ConnectAsync(there, $"/ws?groups={job}");
        Assert.Equal(["recovered"], await client.ReceiveJoinedAsync());
        Assert.Equal(4, (await client.ReceivePayloadAsync()).GetInt32());
        client.Cut();
        await client.ConnectAsync(here, $"/ws?groups={job}");
        Assert.Equal(["recovered"], await client.ReceiveJoinedAsync());
        await StateAsync(5);

        Assert.Equal(5, (await client.ReceivePayloadAsync()).GetInt32());

        async Task StateAsync(int state) => await layer.PublishAsync(
            Topic.OfGroup(job), EnvelopeFormat.Encode(new Envelope(new Message("json", Encoding.UTF8.GetBytes($"{state}")), EnvelopeKind.TextFrame)), new Retention(1, TimeSpan.FromDays(1)));
    }

    [Fact]
    public async Task The_group_of_a_job_without_a_state_gives_no_position()
    {
        var job = $"job.{MessageId.New(TimeProvider.System)}";
        var layer = Open();
        var app = await StartAsync(layer);
        var client = new GreetedClient();
        await client.ConnectAsync(app, $"/ws?groups={job}");
        Assert.Equal(["new"], await client.ReceiveJoinedAsync());

        Assert.Empty(client.Positions);
    }

    [Fact]
    public async Task Events_that_were_missed_are_handled_and_those_that_were_handled_are_not_handled_again()
    {
        var (here, there) = (await StartAsync(), await StartAsync());
        var client = new GreetedClient();
        await client.ConnectAsync(here, "/ws");
        await client.ReceiveJoinedAsync();
        await here.Groups.SendEventAsync("articles", "note", 1);
        Assert.Equal("note 1", (await client.ReceivePayloadAsync()).GetString());
        Assert.True((await client.ReceiveAsync()).TryGetProperty("position", out _));

        client.Cut();
        await there.Groups.SendEventAsync("articles", "note", 2);
        await SendAsync(there, 3, 3);
        await there.Groups.SendEventAsync("articles", "note", 4);
        await client.ConnectAsync(there, "/ws");

        Assert.Equal("note 2", (await client.ReceivePayloadAsync()).GetString());
        Assert.Equal(3, (await client.ReceivePayloadAsync()).GetInt32());
        Assert.Equal("note 4", (await client.ReceivePayloadAsync()).GetString());
    }

    [Fact]
    public async Task Several_groups_of_one_stream_recover_each_in_its_order()
    {
        var (here, there) = (await StartAsync(), await StartAsync());
        var client = new GreetedClient();
        await client.ConnectAsync(here, "/ws?groups=articles,articles.sport");
        await client.ReceiveJoinedAsync();
        await SendAsync(here, 1, 3);
        await ReceiveAsync(client, 3);

        client.Cut();
        await SendAsync(here, 4, 150);
        await SendAsync(here, 1001, 1150, "articles.sport");
        await client.ConnectAsync(there, "/ws?groups=articles,articles.sport");

        Assert.Equal(["recovered", "recovered"], await client.ReceiveJoinedAsync());
        var received = await ReceiveAsync(client, 297);
        Assert.Equal(Numbers(4, 150), received.Where(number => number < 1000));
        Assert.Equal(Numbers(1001, 1150), received.Where(number => number > 1000));
    }

    [Fact]
    public async Task The_same_group_in_two_streams_of_a_socket_recovers_in_each()
    {
        var (here, there) = (await StartAsync(), await StartAsync());
        var client = new GreetedClient();
        await client.ConnectAsync(here, "/shared");
        await client.ReceiveJoinedAsync("first");
        await client.ReceiveJoinedAsync("second");

        client.Cut();
        await SendAsync(here, 1, 120);
        await client.ConnectAsync(there, "/shared");

        var received = new Dictionary<string, List<int>> { ["first"] = [], ["second"] = [] };
        for (var i = 0; i < 240; i++)
        {
            var (stream, payload) = await client.ReceiveMessageAsync();
            received[stream].Add(payload.GetInt32());
        }
        Assert.Equal(Numbers(1, 120), received["first"]);
        Assert.Equal(Numbers(1, 120), received["second"]);
    }

    /// <summary>Starts a node.</summary>
    private protected async Task<RunnelApp> StartAsync(IBackplane? backplane = null)
    {
        var app = await RunnelApp.StartAsync(
            app =>
            {
                app.MapConsumer<GroupsConsumer>("/ws");
                app.MapDemultiplexer("/shared", streams => streams.Stream<GroupsConsumer>("first").Stream<GroupsConsumer>("second"));
            },
            builder => builder.With(backplane ?? Open()).With((RunnelOptions options) => options
                .KeepHistory("short", new Retention(10, TimeSpan.FromMinutes(2)))
                .KeepHistory("articles*", new Retention(1000, TimeSpan.FromMinutes(2)))),
            inAWorker: InAWorker);
        _apps.Add(app);
        return app;
    }

    private protected static async Task SendAsync(RunnelApp node, int first, int last, string group = "articles")
    {
        for (var number = first; number <= last; number++)
            await node.Groups.SendJsonAsync(group, number);
    }

    private protected static async Task<List<int>> ReceiveAsync(GreetedClient client, int count)
    {
        var received = new List<int>();
        while (received.Count < count)
            received.Add((await client.ReceivePayloadAsync()).GetInt32());
        return received;
    }

    private protected static IEnumerable<int> Numbers(int first, int last) => Enumerable.Range(first, last - first + 1);
}
