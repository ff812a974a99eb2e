using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What only Redis can do to a backplane.</summary>
public sealed class RedisReconnectTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncLifetime
{
    private static readonly Topic Articles = Topic.OfGroup("articles");
    private static readonly Retention Keep = new(10_000, TimeSpan.FromMinutes(10));

    private readonly TcpWire _wire = TcpWire.To(server.Port);
    private readonly RecordedLog _log = new();
    private readonly RedisProbe _probe = server.Connect();
    private readonly List<IAsyncDisposable> _parts = [];
    private readonly string _prefix = $"test-{Guid.NewGuid():N}"[..24];
    private bool _isStuck;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _wire.Heal();
        foreach (var part in Enumerable.Reverse(_parts))
            await part.DisposeAsync();
        await _wire.DisposeAsync();
        _probe.Dispose();
        _log.Dispose();
    }

    [Fact]
    public async Task A_kept_message_whose_answer_was_lost_is_stored_once()
    {
        var (node, other) = (await OpenAsync(_wire.Port), await OpenAsync());
        await using var listener = await TopicListener.OnAsync(other, Articles);
        _wire.Silence(toServer: false);

        var publishing = node.PublishAsync(Articles, "once"u8.ToArray(), Keep).AsTask();
        Assert.Equal("once", await listener.NextAsync());
        _wire.Cut();
        _wire.Heal();

        Assert.Equal(1, (await Wait.For(publishing, "the answer")).Offset);
        var next = await node.PublishAsync(Articles, "next"u8.ToArray(), Keep);
        Assert.Equal(2, next.Offset);
        Assert.Equal("next", await listener.NextAsync());
    }

    [Fact]
    public async Task A_kept_message_whose_answer_was_lost_is_found_behind_many_others()
    {
        var (node, other) = (await OpenAsync(_wire.Port), await OpenAsync());
        await using var listener = await TopicListener.OnAsync(other, Articles);
        _wire.Silence(toServer: false);
        var publishing = node.PublishAsync(Articles, "once"u8.ToArray(), Keep).AsTask();
        await listener.NextAsync();
        _wire.Cut();
        await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => other.PublishAsync(Articles, "between"u8.ToArray(), Keep).AsTask()));

        _wire.Heal();

        Assert.Equal(1, (await Wait.For(publishing, "the answer")).Offset);
    }

    [Fact]
    public async Task A_message_whose_answer_was_lost_does_not_come_back_when_newer_ones_have_taken_its_place()
    {
        var latest = new Retention(1, TimeSpan.FromMinutes(10));
        var (node, other) = (await OpenAsync(_wire.Port), await OpenAsync());
        await using var listener = await TopicListener.OnAsync(other, Articles);
        _wire.Silence(toServer: false);
        var publishing = node.PublishAsync(Articles, "begun"u8.ToArray(), latest).AsTask();
        Assert.Equal("begun", await listener.NextAsync());
        _wire.Cut();
        for (var i = 2; i <= 50; i++)
            await other.PublishAsync(Articles, "done"u8.ToArray(), latest);

        _wire.Heal();

        Assert.Equal(1, (await Wait.For(publishing, "the answer")).Offset);
        var history = await other.ReadHistoryAsync(Articles, Position.None, 10);
        Assert.Equal("done", TopicListener.Text(Assert.Single(history.Messages)));
        Assert.Equal(50, history.Latest.Offset);
    }

    [Fact]
    public async Task A_message_without_retention_whose_answer_was_lost_is_not_sent_again_and_its_publisher_is_told()
    {
        var (node, other) = (await OpenAsync(_wire.Port), await OpenAsync());
        await using var listener = await TopicListener.OnAsync(other, Articles);
        _wire.Silence(toServer: false);
        var publishing = node.PublishAsync(Articles, "perhaps"u8.ToArray(), retention: null).AsTask();
        Assert.Equal("perhaps", await listener.NextAsync());

        _wire.Cut();
        var failure = await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(publishing, "the failure"));
        _wire.Heal();
        await node.PublishAsync(Articles, "next"u8.ToArray(), retention: null);

        Assert.Contains("not known", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"\.\.|\)$", failure.Message);
        Assert.Equal("next", await listener.NextAsync());
    }

    [Fact]
    public async Task What_a_given_up_connection_still_carries_is_not_done_after_its_repetition()
    {
        var (stuck, gone) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var slowWay = ScriptedServer.Doing((client, ending) => CarryAsync(client, "twice?", stuck.Task, gone, ending));
        RedisOptions used = null!;
        var node = await OpenAsync(slowWay.Port, options => used = options);
        used.Timeout = TimeSpan.FromSeconds(1); // not before, since a busy machine may need longer for the start

        var position = await Wait.For(node.PublishAsync(Articles, "twice?"u8.ToArray(), Keep).AsTask(), "the message to be published, the other way");
        stuck.SetResult();
        await Wait.For(gone.Task, "the first way to be at its end");
        var next = await node.PublishAsync(Articles, "next"u8.ToArray(), Keep);

        Assert.Equal((1, 2), (position.Offset, next.Offset));
        Assert.Equal(2, (await node.ReadHistoryAsync(Articles, Position.None, 10)).Messages.Count);
    }

    [Fact]
    public async Task A_server_that_is_made_to_forget_the_scripts_costs_nothing()
    {
        var (one, two) = (await OpenAsync(), await OpenAsync());
        await using var flow = await NumberFlow.BeginAsync(one, Keep, one, two);
        await using var listener = await TopicListener.OnAsync(two, Articles);

        for (var i = 0; i < 5; i++)
        {
            await flow.DeliverMoreAsync(10);
            _probe.Ask("SCRIPT", "FLUSH");
            // What needs no script is not to suffer either, be it on its way together with what does.
            var (kept, plain, later) = (PublishAsync("kept", Keep), PublishAsync("plain", retention: null), PublishAsync("later", Keep));
            await Wait.For(Task.WhenAll(kept, plain, later), "all to be published");
            Assert.Equal(["kept", "later", "plain"], new[] { await listener.NextAsync(), await listener.NextAsync(), await listener.NextAsync() }.Order());
        }

        await flow.DeliverMoreAsync(10);
        await flow.AssertAllArrivedOnceInOrderAsync();

        Task PublishAsync(string text, Retention? retention) => one.PublishAsync(Articles, Encoding.UTF8.GetBytes(text), retention).AsTask();
    }

    [Fact]
    public async Task Many_topics_are_subscribed_to_again_and_miss_nothing_that_is_kept()
    {
        const int Count = 2_000;
        var node = await OpenAsync(_wire.Port);
        var other = await OpenAsync();
        var topics = Enumerable.Range(0, Count).Select(i => Topic.OfGroup($"g{i}")).ToList();
        var listeners = await Wait.For(Task.WhenAll(topics.Select(topic => TopicListener.OnAsync(node, topic))), "all subscriptions");

        _wire.Cut();
        await Wait.For(Task.WhenAll(topics.Select(topic => other.PublishAsync(topic, "while away"u8.ToArray(), Keep).AsTask())), "all to be published");
        _wire.Heal();
        await Wait.Until(() => listeners.All(listener => listener.Delivered == 1), "every topic got what it missed");
        // History may come before the subscription, if it was being read for the first one when the wire was cut.
        await Wait.Until(() => _probe.Texts("PUBSUB", "CHANNELS", $"{_prefix}:*").Count == Count, "every topic is subscribed to again");
        await Wait.For(Task.WhenAll(topics.Select(topic => other.PublishAsync(topic, "after"u8.ToArray(), retention: null).AsTask())), "all to be published");

        foreach (var listener in listeners)
            Assert.Equal(("while away", "after"), (await listener.NextAsync(), await listener.NextAsync()));
        Assert.Equal(Count, _probe.Texts("PUBSUB", "CHANNELS", $"{_prefix}:*").Count);
        await Task.WhenAll(listeners.Select(listener => listener.DisposeAsync().AsTask()));
        await Wait.Until(() => _probe.Texts("PUBSUB", "CHANNELS", $"{_prefix}:*").Count == 0, "no subscription was left");
    }

    [Fact]
    public async Task A_server_that_has_become_a_replica_is_not_stormed_and_what_waits_for_it_fails_in_time()
    {
        RedisOptions used = null!;
        var node = await OpenAsync(configure: options => used = options);
        await node.PublishAsync(Articles, "before"u8.ToArray(), Keep);
        var before = long.Parse(_probe.Info("stats")["total_connections_received"], null);

        used.OutageTimeout = TimeSpan.FromSeconds(1.5); // only for what is sent in vain: a busy machine may need longer for the rest
        _probe.Ask("REPLICAOF", "127.0.0.1", $"{LoopbackPort.Free()}");
        var failure = await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(node.PublishAsync(Articles, "in vain"u8.ToArray(), Keep).AsTask(), "the failure"));
        var made = long.Parse(_probe.Info("stats")["total_connections_received"], null) - before;
        used.OutageTimeout = Wait.Limit;
        var waiting = node.PublishAsync(Articles, "after"u8.ToArray(), Keep).AsTask();
        _probe.Ask("REPLICAOF", "NO", "ONE");

        Assert.InRange(made, 1, 20);
        Assert.Contains("1.5 s", failure.Message, StringComparison.Ordinal);
        Assert.Equal(2, (await Wait.For(waiting, "the message to be published")).Offset);
    }

    [Fact]
    public async Task While_the_server_stands_still_no_more_waits_for_it_than_the_buffer_holds()
    {
        const int Buffer = 10;
        var node = await OpenAsync(configure: options => (options.OutageBuffer, options.Timeout) = (Buffer, TimeSpan.FromMinutes(10)));
        await server.PauseAsync();
        List<Task> waiting = [];
        try
        {
            BackplaneUnavailableException? refusal = null;
            await Wait.Until(
                () =>
                {
                    var publishing = node.PublishAsync(Articles, "stuck"u8.ToArray(), retention: null).AsTask();
                    refusal = publishing.Exception?.InnerException as BackplaneUnavailableException;
                    if (refusal is null)
                        waiting.Add(publishing);
                    return refusal is not null;
                },
                "one more is refused");

            Assert.Contains("OutageBuffer", refusal!.Message, StringComparison.Ordinal);
            Assert.True(waiting.Count >= Buffer);
        }
        finally
        {
            await server.ResumeAsync();
        }
        await Wait.For(Task.WhenAll(waiting), "those that were taken to be published");
    }

    [Fact]
    public async Task A_server_without_memory_refuses_and_says_so_and_goes_on_when_it_has_some()
    {
        var node = await OpenAsync();
        await using var listener = await TopicListener.OnAsync(node, Articles);

        _probe.Configure("maxmemory", "1");
        var failure = await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(node.PublishAsync(Articles, "no"u8.ToArray(), Keep).AsTask(), "the failure"));
        _probe.Configure("maxmemory", "0");
        await node.PublishAsync(Articles, "yes"u8.ToArray(), Keep);

        Assert.Contains("OOM", failure.Message, StringComparison.Ordinal);
        Assert.Equal("yes", await listener.NextAsync());
    }

    // A way to the server on which the first thing that says these words gets stuck, as on a way through proxies; the others find another one.
    private async Task CarryAsync(NetworkStream client, string words, Task until, TaskCompletionSource gone, CancellationToken ending)
    {
        using var upstream = new TcpClient();
        await upstream.ConnectAsync(IPAddress.Loopback, server.Port, ending);
        var answering = upstream.GetStream().CopyToAsync(client, ending);
        var isStuck = false;
        try
        {
            var buffer = new byte[64 * 1024];
            while (await client.ReadAsync(buffer, ending) is var read and > 0)
            {
                if (Encoding.UTF8.GetString(buffer, 0, read).Contains(words, StringComparison.Ordinal) && Interlocked.Exchange(ref _isStuck, true) == false)
                {
                    isStuck = true;
                    await until.WaitAsync(ending);
                }
                await upstream.GetStream().WriteAsync(buffer.AsMemory(0, read), ending);
            }
            upstream.Client.Shutdown(SocketShutdown.Send);
            await answering;
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            // The server has ended it.
        }
        if (isStuck)
            gone.SetResult();
    }

    private async Task<RedisBackplane> OpenAsync(int? port = null, Action<RedisOptions>? configure = null)
    {
        var options = new RedisOptions
        {
            Address = server.AddressAt(port ?? server.Port),
            Prefix = _prefix,
            Timeout = Wait.Limit, // a cut is noticed at once, and a busy machine is not to look like a server that is silent
            OutageTimeout = TimeSpan.FromSeconds(20),
        };
        configure?.Invoke(options);
        var store = new RedisStore(options, TimeProvider.System, new Logger<RedisStore>(new LoggerFactory([_log])));
        var backplane = new RedisBackplane(store);
        _parts.AddRange([store, backplane]);
        await store.OpenAsync();
        return backplane;
    }
}
