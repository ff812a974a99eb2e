using Runnel.Layers;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What is in Redis when everything is done: the keys that RedisKeys says stay for a while, and no others.</summary>
public sealed class RedisLeavesNothingTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncDisposable
{
    private const int Connections = 10_000, Jobs = 10_000, Dead = 1_000, Batch = 250;
    private const int GoneMeanwhile = -2; // as Redis answers

    private readonly RedisPlace _place = new(server);

    [Fact]
    public async Task Ten_thousand_connections_and_their_groups_leave_nothing()
    {
        await using var backplane = new RedisBackplane(_place.Open());
        var node = FakeConnection.CreateNode(backplane, configure: options => options.GroupLinger = TimeSpan.FromMilliseconds(50));
        List<FakeConnection> members = [];
        for (var i = 0; i < Connections; i++)
        {
            var member = await FakeConnection.ConnectAsync(node);
            await member.Groups.AddAsync($"group-{i % 200}");
            members.Add(member);
        }
        for (var i = 0; i < 200; i++)
            await backplane.PublishAsync(Topic.OfGroup($"group-{i}"), "kept for a while"u8.ToArray(), new Retention(10, TimeSpan.FromSeconds(1)) { PositionAge = TimeSpan.FromSeconds(1) });
        Assert.NotEmpty(_place.Kept);

        foreach (var (i, member) in members.Index())
        {
            await member.Groups.RemoveAsync($"group-{i % 200}");
            member.Dispose();
        }

        await Wait.Until(() => _place.Kept.Count == 0, "Redis holds nothing of it");
    }

    [Fact]
    public async Task Ten_thousand_jobs_and_a_thousand_dead_letters_leave_only_what_goes_by_itself()
    {
        await using var queue = new RedisWorkQueue(_place.Open(static options => options.OutageTimeout = Wait.Limit)); // also on a busy machine, the worker says goodbye in the end
        await using (var lease = await queue.OpenReceiverAsync(new ReceiverOptions()))
        {
            for (var sent = 0; sent < Jobs; sent += Batch)
                Assert.Equal(Batch, await queue.EnqueueAsync("work", [.. Enumerable.Range(sent, Batch).Select(OfEveryKind)], EnqueueOptions.Default));
            for (var (handled, dead) = (0, 0); handled < Jobs;)
            {
                foreach (var message in await Wait.For(lease.ReceiveAsync("work", Batch).AsTask(), "messages"))
                {
                    if (message.Envelope.Attempt == 0 && handled % 50 == 0)
                    {
                        await lease.AbandonAsync(message, new AbandonOptions { Delay = TimeSpan.FromMilliseconds(10) });
                        continue;
                    }
                    Assert.True(dead < Dead ? await lease.DeadLetterAsync(message, DeadLetterReason.Rejected, $"{dead++}") : await lease.CompleteAsync(message));
                    handled++;
                }
            }
            Assert.Equal(Dead, await queue.PurgeAsync("work", DeadLetterFilter.All));
        }

        var prefix = _place.Prefix;
        string[] stays = [$"{prefix}:channels", $"{prefix}:server", $"{prefix}:format"];
        string[] goesByItself = [$"{prefix}:{{work}}:sent:", $"{prefix}:{{work}}:order", $"{prefix}:wake:", $"{prefix}:sweeping"]; // the last one when all of this takes more than a minute
        await Wait.Until(() => Left().All(key => goesByItself.Any(start => key.StartsWith(start, StringComparison.Ordinal))), "only what the table of keys names is left");
        foreach (var key in Left())
            Assert.True(_place.Probe.Number("PTTL", key) is GoneMeanwhile or (>= 0 and <= 3_600_000), $"'{key}' stays.");
        Assert.Equal(["work"], _place.Probe.Texts("ZRANGE", $"{prefix}:channels", "0", "-1"));

        IEnumerable<string> Left() => _place.Probe.Keys($"{prefix}:*").Except(stays);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_message_that_is_taken_back_leaves_nothing_of_its_delay_its_expiry_or_its_key(bool isDelayed, bool hasKey)
    {
        await using var queue = new RedisWorkQueue(_place.Open());
        var message = new Envelope(new Message("do", default))
        {
            Id = MessageId.New(TimeProvider.System), Key = hasKey ? "k" : null, Delay = isDelayed ? TimeSpan.FromHours(1) : TimeSpan.Zero, TimeToLive = TimeSpan.FromHours(2),
        };
        await queue.EnqueueAsync("work", [message], EnqueueOptions.Default);

        Assert.True(await queue.CancelAsync("work", message.Id));

        string[] goesByItself = ["sent:", "order", "bell"]; // the last one as soon as a worker looks
        Assert.DoesNotContain(
            _place.Probe.Keys($"{_place.Prefix}:{{work}}:*"), key => !goesByItself.Any(name => key.StartsWith($"{_place.Prefix}:{{work}}:{name}", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("k")]
    public async Task The_answer_to_a_sender_is_kept_for_longer_than_it_may_take_until_it_is_asked_for_again(string? key)
    {
        await using var queue = new RedisWorkQueue(_place.Open(static options => (options.Timeout, options.OutageTimeout) = (TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(8))));

        await queue.EnqueueAsync("work", [new Envelope(new Message("do", default)) { Id = MessageId.New(TimeProvider.System), Key = key }], EnqueueOptions.Default);

        var answer = Assert.Single(_place.Probe.Keys($"{_place.Prefix}:{{work}}:sent:*"));
        Assert.InRange(_place.Probe.TimeToLive(answer)!.Value, TimeSpan.FromMinutes(12), TimeSpan.FromMinutes(13));
    }

    [Fact]
    public async Task A_short_history_remembers_the_ids_of_its_latest_messages_and_no_others()
    {
        await using var backplane = new RedisBackplane(_place.Open());
        var topic = Topic.OfGroup("articles");

        for (var i = 0; i < 300; i++)
            await backplane.PublishAsync(topic, "new"u8.ToArray(), new Retention(1, TimeSpan.FromMinutes(1)));

        var fields = _place.Probe.Texts("HKEYS", $"{_place.Prefix}:{{{topic}}}:ids");
        Assert.Equal(256, fields.Count);
    }

    public ValueTask DisposeAsync() => _place.DisposeAsync();

    private static Envelope OfEveryKind(int number) => new(new Message("do", "x"u8.ToArray()))
    {
        Id = MessageId.New(TimeProvider.System),
        Key = number % 3 == 0 ? $"key-{number % 100}" : null,
        NotBefore = number % 5 == 0 ? TimeProvider.System.GetUtcNow().AddMilliseconds(50) : null,
        ExpiresAt = number % 7 == 0 ? TimeProvider.System.GetUtcNow().AddHours(1) : null,
        DeduplicationId = number % 11 == 0 ? $"once-{number}" : null,
        DeduplicationWindow = TimeSpan.FromSeconds(1),
    };
}
