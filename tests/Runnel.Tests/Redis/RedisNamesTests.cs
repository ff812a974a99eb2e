using Runnel.Layers;
using Runnel.Redis.Connections;
using Runnel.Redis.Stores;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What is written down, and read by processes of other versions: the names in Redis. And what stands in a file of keys.</summary>
public sealed class RedisNamesTests
{
    [Fact]
    public void The_names_of_format_1_never_change()
    {
        var (keys, channel) = (new RedisKeys("shop"), new RedisKeys("shop").Of("payments"));
        var start = "shop:{payments}:";

        Assert.Equal(
            ["shop:channels", "shop:identity", "shop:server", "shop:format", "shop:sweeping", "shop:*", "shop:wake:n1"],
            [keys.Channels, keys.Identity, keys.Server, keys.Format, keys.Sweeping, keys.All, keys.WakeOf("n1")]);
        Assert.Equal(
            ["shop:{group:all}", "shop:{group:all}:3", "shop:{group:all}:position", "shop:{group:all}:ids", "shop:{group:all}:log"],
            [keys.PubSubOf(Topic.OfGroup("all")), new RedisKeys("shop", 3).PubSubOf(Topic.OfGroup("all")), keys.PositionOf(Topic.OfGroup("all")), keys.IdsOf(Topic.OfGroup("all")), keys.LogOf(Topic.OfGroup("all"))]);
        Assert.Equal(
            new[] { "messages", "ready", "returned", "delayed", "expiries", "busy", "lane:", "workers", "claims:", "dead", "letters", "bell", "gone", "order" }.Select(name => start + name),
            channel.All);
        Assert.Equal(
            new[] { "messages", "ready", "returned", "delayed", "workers", "dead", "letters", "seen", "bell", "sent:n1.0" }.Select(name => start + name),
            [channel.Messages, channel.Ready, channel.Returned, channel.Delayed, channel.Workers, channel.Dead, channel.Letters, channel.Seen, channel.Bell, channel.SentBy("n1.0")]);
    }

    [Fact]
    public void A_file_of_keys_has_one_in_each_line_and_one_at_least()
    {
        var file = Path.GetTempFileName();
        var address = RedisAddress.Parse($"redis://cache?keys={Uri.EscapeDataString(file)}");

        File.WriteAllText(file, "\n  first \n\nsecond\n");
        Assert.Equal(["first", "second"], address.ReadKeys());
        File.WriteAllText(file, "\n \n");
        Assert.Equal($"The file '{file}' (keys= in the address of Redis) has no key: write one in each line.", Assert.Throws<FormatException>(() => address.ReadKeys()).Message);
        File.Delete(file);
        Assert.StartsWith($"The file '{file}' of the encryption keys", Assert.Throws<FormatException>(() => address.ReadKeys()).Message, StringComparison.Ordinal);
        Assert.Empty(RedisAddress.Parse("redis://cache").ReadKeys());
    }

    [Fact]
    public void Whoever_is_refused_rests_up_to_twice_as_long_each_time_and_a_second_at_most()
    {
        var backoff = new Backoff();

        foreach (var most in new[] { 20, 40, 80, 160, 320, 640, 1000, 1000 })
            Assert.InRange(backoff.Next().TotalMilliseconds, most / 2.0, most);
        backoff.Reset();
        Assert.InRange(backoff.Next().TotalMilliseconds, 10, 20);
    }
}
