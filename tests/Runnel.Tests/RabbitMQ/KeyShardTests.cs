using Runnel.RabbitMQ.Sending;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

public sealed class KeyShardTests
{
    // Messages are stored by it: it may never be another one.
    [Theory]
    [InlineData("order-7", 16, 4)]
    [InlineData("k", 16, 6)]
    [InlineData("Bestellung für Zoë", 16, 12)]
    public void A_key_falls_on_the_same_shard_for_ever(string key, int shards, int shard) => Assert.Equal(shard, KeyShard.Of(key, shards));

    [Fact]
    public void Keys_spread_over_the_shards()
    {
        const int Keys = 16_000, Shards = 16;

        var counts = Enumerable.Range(0, Keys).CountBy(number => KeyShard.Of($"order-{number}", Shards)).ToDictionary();

        Assert.Equal(Shards, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, Keys / Shards * 0.8, Keys / Shards * 1.2));
    }

    [Theory]
    [InlineData(16, 1, 16)]
    [InlineData(16, 3, 6)]
    [InlineData(16, 16, 1)]
    [InlineData(4, 9, 1)]
    public void Each_shard_is_somebody_s_however_many_workers_there_are(int shards, int workers, int share) => Assert.Equal(share, KeyShard.ShareOf(shards, workers));

    [Fact]
    public void A_key_of_any_length_falls_on_a_shard() => Assert.InRange(KeyShard.Of(new string('x', 100_000), 7), 0, 6);
}
