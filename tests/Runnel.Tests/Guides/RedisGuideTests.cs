using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Receiving;
using Runnel.Specification;
using Runnel.Tests.House;
using Runnel.Tests.Recording;
using Runnel.Tests.Redis;
using Runnel.Tests.Servers;
using Runnel.Tests.Workers;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Guides;

/// <summary>What the guide says of Redis is so.</summary>
public sealed partial class RedisGuideTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private const string Guide = "docs/guide/redis.md";

    [Fact]
    public async Task The_rights_in_the_guide_are_enough()
    {
        await using var server = await RedisServer.StartAsync(new RedisServerOptions());
        using var admin = server.Connect();
        admin.Ask(Snippets.BlockWith(Guide, "ACL SETUSER").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        await using var place = new RedisPlace(server);

        await UseAllAsync($"redis://shop:secret@127.0.0.1:{server.Port}?prefix=shop");
        await using var store = place.Open(options => options.Prefix = "shop", $"redis://shop:secret@127.0.0.1:{server.Port}");
        await using var queue = new RedisWorkQueue(store);
        await queue.Sweeper.SweepAllAsync(LeasesEnded.None);
        await queue.FlushAsync();
        store.Commands.Break();
        Assert.Empty(await queue.ListChannelsAsync()); // when it has connected anew

        Assert.Empty((object?[])admin.Ask("ACL", "LOG")!); // where Redis notes what it refused, within scripts, too
        Assert.Throws<InvalidOperationException>(() =>
        {
            using var shop = server.Connect();
            shop.Ask("AUTH", "shop", "secret");
            shop.Ask("SET", "another", "1");
        });
    }

    [Fact]
    public async Task The_keys_in_the_guide_are_those_that_there_are()
    {
        var listed = TableRow().Matches(File.ReadAllText(Repository.PathTo(Guide))).Select(row => row.Groups["key"].Value).ToList();
        var noted = Note().Matches(File.ReadAllText(Repository.PathTo("src/Runnel.Redis/Stores/RedisKeys.cs"))).Select(row => row.Groups["key"].Value).ToList();
        var patterns = listed.Select(key => new Regex("^" + Regex.Replace(Regex.Escape(key.Replace("P:", "keys:", StringComparison.Ordinal)), @"\\\{\w+}|[A-Z]+", "[^:]+(:[^:]+)?") + "$")).ToList();
        using var probe = redis.Connect();
        IReadOnlyList<string> kept = [];

        await UseAllAsync($"{redis.Address}?prefix=keys", meanwhile: () => kept = probe.Keys());

        Assert.Equal(noted, listed);
        Assert.Equal(25, listed.Count);
        Assert.All(kept, key => Assert.True(patterns.Any(pattern => pattern.IsMatch(key)), $"The guide does not list {key}."));
        Assert.True(patterns.Count(pattern => kept.Any(pattern.IsMatch)) > 12, $"Too little was used to prove anything: {string.Join(", ", kept)}");
    }

    [Fact]
    public async Task With_the_settings_in_the_guide_a_start_has_nothing_to_warn_of()
    {
        var settings = Snippets.BlockWith(Guide, "appendonly").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await using var server = await RedisServer.StartAsync(new RedisServerOptions { AppendOnly = false, MaxMemoryPolicy = "allkeys-lru", Configuration = settings });
        using var log = new RecordedLog();
        using var loggers = new LoggerFactory([log]);
        await using var layer = new RedisLayerFactory().Create(server.Address, TimeProvider.System, loggers);

        await layer.OpenAsync();

        Assert.Empty(log.Lines);
    }

    [Fact]
    public async Task A_key_that_is_changed_in_three_steps_leaves_nothing_unread()
    {
        var (old, recent) = (Convert.ToBase64String(new byte[32]), Convert.ToBase64String(Enumerable.Repeat((byte)7, 32).ToArray()));
        await using var place = new RedisPlace(redis);
        var steps = new[] { [old], new[] { old, recent }, [recent, old], [recent] };

        for (var step = 0; step + 1 < steps.Length; step++)
        {
            await using var before = Open(place, steps[step]);
            await using var after = Open(place, steps[step + 1]);
            foreach (var (sender, receiver) in new[] { (before, after), (after, before) })
            {
                await sender.EnqueueAsync("payments", [new Envelope(new Message("pay", "secret"u8.ToArray())) { Id = MessageId.New(TimeProvider.System), Channel = "payments" }], EnqueueOptions.Default);
                await using var lease = await receiver.OpenReceiverAsync(new ReceiverOptions());
                var received = Assert.Single(await lease.ReceiveAsync("payments", 1).AsTask().WaitAsync(Wait.Limit));
                Assert.True(received.Envelope.Message.Body.Span.SequenceEqual("secret"u8));
                Assert.True(await lease.CompleteAsync(received));
            }
        }
    }

    private static RedisWorkQueue Open(RedisPlace place, string[] keys) => new(place.Open(options =>
    {
        foreach (var key in keys)
            options.EncryptionKeys.Add(key);
    }));

    /// <summary>An application that does with Redis all that there is to do.</summary>
    private static async Task UseAllAsync(string address, Action? meanwhile = null)
    {
        var (began, goOn) = (new Inbox<string>(), new TaskCompletionSource());
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddRunnelCore().UseLayer(address).AddRunnelWorkers();
        using var host = builder.Build();
        host.MapChannel("payments", async (Pay pay) =>
        {
            began.Add(pay.Order);
            if (pay.Order == "bad")
                throw new DeadLetterException("It is bad.");
            await goOn.Task;
        }, options => (options.Track, options.Concurrency, options.Ordered, options.Deduplicate, options.Cancellable) = (true, 2, true, true, true));
        await host.StartAsync();
        var (channels, jobs, letters) = (host.Services.GetRequiredService<IChannels>(), host.Services.GetRequiredService<IJobs>(), host.Services.GetRequiredService<IWorkQueueOperator>());

        await channels.SendAsync("payments", new Pay("bad"));
        await Wait.Until(async () => (await letters.ListDeadLettersAsync("payments", DeadLetterFilter.All, 1)).Count == 1, "there is a dead letter");
        var first = await channels.SendAsync("payments", new Pay("1"), new SendOptions { Key = "k", DeduplicationId = "1" });
        await channels.SendManyAsync("payments", [new Pay("2"), new Pay("3")], new SendOptions { Key = "k" });
        var later = await channels.SendAsync("payments", new Pay("4"), new SendOptions { Delay = TimeSpan.FromHours(1), Expiry = TimeSpan.FromHours(2) });
        await began.NextAsync(2);
        await host.Services.GetRequiredService<IGroups>().SendJsonAsync("news", new Pay("5"));
        meanwhile?.Invoke();
        Assert.Equal(JobState.Running, (await jobs.FindAsync(first.Id))!.State);
        Assert.True(await jobs.CancelAsync("payments", later.Id));
        goOn.SetResult();
        Assert.Equal(JobState.Succeeded, (await Wait.For(jobs.WatchAsync(first.Id).LastAsync().AsTask(), "the job's end")).State);
        Assert.Equal(1, await letters.ReplayAsync("payments", DeadLetterFilter.All));
        await Wait.Until(async () => await letters.PurgeAsync("payments", DeadLetterFilter.All) == 1, "it is bad once more");
        await host.StopAsync();
    }

    [GeneratedRegex(@"^\| `(?<key>P:[^`]+)` \|", RegexOptions.Multiline)]
    private static partial Regex TableRow();

    [GeneratedRegex(@"^/// (?<key>P:\S+) ", RegexOptions.Multiline)]
    private static partial Regex Note();
}
