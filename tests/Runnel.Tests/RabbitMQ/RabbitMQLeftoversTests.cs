using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Sending;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Tests.Servers;
using Runnel.Tests.Workers;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>Connections and jobs come and go, and the broker has nothing but what the guide lists: neither meanwhile nor afterwards.</summary>
public sealed class RabbitMQLeftoversTests(SharedRabbitServer server)
{
    private const int Count = 500;
    private const string Prefix = "shop";

    private readonly GuideNames _guide = new(Prefix);

    [Fact]
    public async Task Connections_that_join_and_leave_leave_nothing_but_the_exchange()
    {
        await using var place = await RabbitPlace.CreateAsync(server);
        RabbitMQBackplane[] backplanes = [await place.OpenBackplaneAsync(options => options.Prefix = Prefix), await place.OpenBackplaneAsync(options => options.Prefix = Prefix)];
        var nodes = backplanes.Select(backplane => FakeConnection.CreateNode(backplane)).ToList();
        List<FakeConnection> connections = [];
        for (var i = 0; i < Count; i++)
        {
            var connection = await FakeConnection.ConnectAsync(nodes[i % 2]);
            await connection.Groups.AddAsync("everybody");
            await connection.Groups.AddAsync($"room-{i % 100}");
            connections.Add(connection);
        }
        var (queues, exchanges, bindings) = (await place.Host.QueuesAsync(), await place.Host.ExchangesAsync(), await place.Host.BindingsAsync());

        for (var i = 0; i < Count; i++)
        {
            await connections[i].Groups.RemoveAsync("everybody");
            await connections[i].Groups.RemoveAsync($"room-{i % 100}");
            connections[i].Dispose();
        }
        await Wait.Until(async () => (await place.Host.BindingsAsync()).All(binding => !binding.Contains("group:", StringComparison.Ordinal)), "the groups are left");
        foreach (var backplane in backplanes)
            await backplane.DisposeAsync();

        Assert.Equal(["P.node.…", "P.node.…"], queues.Select(_guide.RowOf));
        Assert.Equal(["P.groups"], exchanges.Select(_guide.RowOf));
        Assert.All(bindings, binding => Assert.StartsWith($"{Prefix}.groups -", binding, StringComparison.Ordinal));
        Assert.True(bindings.Count >= 102, $"There were {bindings.Count} bindings.");
        await Wait.Until(async () => (await place.Host.QueuesAsync()).Count == 0, "the nodes' queues are gone");
        Assert.Empty(await place.Host.BindingsAsync());
        Assert.Equal(["P.groups"], (await place.Host.ExchangesAsync()).Select(_guide.RowOf));
    }

    [Fact]
    public async Task Jobs_with_delays_retries_and_keys_leave_only_the_queues_that_the_guide_lists_and_those_empty()
    {
        await using var place = await RabbitPlace.CreateAsync(server);
        await using var queue = new RabbitMQWorkQueue(place.Open(options => options.Prefix = Prefix));
        var ended = 0;
        await using var app = new WorkerApp(new InMemoryBackplane(TimeProvider.System), queue, TimeProvider.System, host => host.MapChannel("payments", (Pay pay, JobContext job) =>
        {
            if (pay.Order == "fails" && job.Attempt == 1)
                throw new TimeoutException("Not yet.");
            if (pay.Order == "never")
                throw new DeadLetterException("It never works.");
            Interlocked.Increment(ref ended);
        }, options =>
        {
            options.Ordered = true;
            options.Retry.BaseDelay = TimeSpan.FromMilliseconds(200);
        }));
        await app.StartAsync();

        await app.Channels.SendManyAsync("payments", Of("plain", Count * 2 / 5));
        await app.Channels.SendManyAsync("payments", Of("fails", Count / 5));
        await app.Channels.SendManyAsync("payments", Of("later", Count / 5), new SendOptions { Delay = TimeSpan.FromMilliseconds(DelayLadder.Held + 20) });
        for (var key = 0; key < 20; key++)
            await app.Channels.SendManyAsync("payments", Of(key % 4 == 0 ? "fails" : "keyed", Count / 5 / 20), new SendOptions { Key = $"key-{key}" });
        await app.Channels.SendAsync("payments", new Pay("never"));
        await Wait.Until(() => Volatile.Read(ref ended) == Count, "all jobs are done");
        await Wait.Until(async () => await app.Operator.PurgeAsync("payments", DeadLetterFilter.All) == 1, "the dead letter is purged");
        await app.StopAsync();
        await queue.DisposeAsync();

        await Wait.Until(async () => (await place.Host.QueuesAsync()).Where(left => left.Type != "stream").All(left => left.Messages == 0), "the broker counts no message");
        var rows = (await place.Host.QueuesAsync()).Select(left => (left.Name, Row: _guide.RowOf(left))).ToList();
        Assert.All(rows, left => Assert.True(left.Row is not null, $"The guide does not list '{left.Name}'."));
        Assert.Equal(_guide.Written.Except(["P.groups", "P.node.…"]).Order(), rows.Select(left => left.Row).Distinct().Order());
        Assert.Empty(await place.Host.ExchangesAsync());
        Assert.Empty(await place.Host.BindingsAsync());
    }

    private static IEnumerable<Pay> Of(string order, int count) => Enumerable.Repeat(new Pay(order), count);
}
