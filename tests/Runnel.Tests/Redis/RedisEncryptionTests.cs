using System.Text;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>With keys, nothing that an application stores can be read in Redis.</summary>
public sealed class RedisEncryptionTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncDisposable
{
    private readonly RedisPlace _place = new(server);

    [Fact]
    public async Task Neither_bodies_nor_types_keys_identities_or_errors_are_in_redis_and_all_come_back()
    {
        var store = _place.Open(options => options.EncryptionKeys.Add(Convert.ToBase64String(new byte[32])));
        await using var queue = new RedisWorkQueue(store);
        await using var backplane = new RedisBackplane(store);
        await using var lease = await queue.OpenReceiverAsync(new ReceiverOptions());
        await queue.EnqueueAsync("work", [Secret("first"), Secret("second")], EnqueueOptions.Default);
        await backplane.PublishAsync(Topic.OfGroup("news"), "secret-news"u8.ToArray(), new Retention(10, TimeSpan.FromMinutes(1)));

        AssertNothingReadable();
        var first = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the first"));
        AssertNothingReadable();
        Assert.True(await lease.AbandonAsync(first, new AbandonOptions { Body = "secret-again"u8.ToArray() }));
        var again = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "it again"));
        Assert.True(await lease.DeadLetterAsync(again, DeadLetterReason.Rejected, "secret-error"));
        AssertNothingReadable();

        var letter = Assert.Single(await queue.ListDeadLettersAsync("work", DeadLetterFilter.All, 10));
        Assert.Equal(
            ("secret-again", "secret-type", "secret-key", "secret-error"),
            (Encoding.UTF8.GetString(letter.Envelope.Message.Body.Span), letter.Envelope.Message.Type, letter.Envelope.Key, letter.Error));
        var history = await backplane.ReadHistoryAsync(Topic.OfGroup("news"), Position.None, 10);
        Assert.Equal("secret-news", TopicListener.Text(Assert.Single(history.Messages)));
    }

    [Fact]
    public async Task A_gap_is_told_although_nothing_on_the_page_that_it_is_before_can_be_read()
    {
        var (group, kept) = (Topic.OfGroup("news"), new Retention(3, TimeSpan.FromMinutes(1)));
        await using var former = Open(key: 1);
        await using var present = Open(key: 2);
        await former.PublishAsync(group, "falls out"u8.ToArray(), kept);
        for (var i = 0; i < 2; i++)
            await former.PublishAsync(group, new byte[800 * 1024], kept);
        var last = await present.PublishAsync(group, "read"u8.ToArray(), kept);

        var history = await present.ReadHistoryAsync(group, last with { Offset = 0 }, 10);

        Assert.Equal((false, "read"), (history.IsComplete, TopicListener.Text(Assert.Single(history.Messages))));

        RedisBackplane Open(byte key) => new(_place.Open(options => options.EncryptionKeys.Add(Convert.ToBase64String([.. Enumerable.Repeat(key, 32)]))));
    }

    public ValueTask DisposeAsync() => _place.DisposeAsync();

    private void AssertNothingReadable()
    {
        var keys = _place.Probe.Keys($"{_place.Prefix}:*");
        Assert.NotEmpty(keys);
        foreach (var key in keys)
        {
            Assert.DoesNotContain("secret", key, StringComparison.Ordinal);
            // As it is on disk; Redis would compress long texts, and these are short.
            Assert.True(_place.Probe.Bytes("DUMP", key).AsSpan().IndexOf("secret"u8) < 0, $"'{key}' holds something that can be read.");
        }
    }

    private static Envelope Secret(string body) => new(new Message("secret-type", Encoding.UTF8.GetBytes($"secret-{body}")))
    {
        Id = MessageId.New(TimeProvider.System),
        Key = "secret-key",
        DeduplicationId = $"secret-once-{body}",
        DeduplicationWindow = TimeSpan.FromMinutes(1),
    };
}
