using Runnel.Layers;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>A dead letter that cannot be read any more, since its key is gone.</summary>
public sealed class RedisDeadLetterTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncDisposable
{
    private const int Unreadable = 4007;

    private static readonly DeadLetterFilter OfItsType = new() { Type = "do" };

    private readonly RedisPlace _place = new(server);

    private long Letters => _place.Probe.Number("HLEN", $"{_place.Prefix}:{{work}}:letters");

    [Theory]
    [InlineData(2)]
    [InlineData(null)] // as the command line is, without the application's options
    public async Task It_is_not_listed_and_hides_no_other(int? key)
    {
        await using var queue = await OpenWithOneOfEachAsync(key);

        var letter = Assert.Single(await queue.ListDeadLettersAsync("work", DeadLetterFilter.All, 10));

        Assert.Equal("read", letter.Error);
        Assert.Equal("read", Assert.Single(await queue.ListDeadLettersAsync("work", OfItsType, 10)).Error);
        Assert.Equal(2, _place.Log.Of(Unreadable).Count());
    }

    [Theory]
    [InlineData(2, false)]
    [InlineData(2, true)]
    [InlineData(null, false)]
    [InlineData(null, true)]
    public async Task It_fits_no_filter_but_the_one_that_all_fit(int? key, bool replays)
    {
        await using var queue = await OpenWithOneOfEachAsync(key);

        Assert.Equal(1, await DoAsync(OfItsType));
        Assert.Equal(1, Letters);
        Assert.Equal(1, await DoAsync(DeadLetterFilter.All));
        Assert.Equal(0, Letters);

        ValueTask<int> DoAsync(DeadLetterFilter filter) => replays ? queue.ReplayAsync("work", filter) : queue.PurgeAsync("work", filter);
    }

    public ValueTask DisposeAsync() => _place.DisposeAsync();

    private async Task<RedisWorkQueue> OpenWithOneOfEachAsync(int? key)
    {
        await using var former = Open(key: 1);
        var present = Open(key);
        await BuryAsync(former, "not read");
        await BuryAsync(present, "read");
        return present;
    }

    private RedisWorkQueue Open(int? key) => new(_place.Open(options =>
    {
        if (key is { } number)
            options.EncryptionKeys.Add(Convert.ToBase64String([.. Enumerable.Repeat((byte)number, 32)]));
    }));

    private static async Task BuryAsync(RedisWorkQueue queue, string error)
    {
        await queue.EnqueueAsync("work", [new Envelope(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default);
        await using var lease = await queue.OpenReceiverAsync(new ReceiverOptions());
        var message = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 1).AsTask(), "the message"));
        Assert.True(await lease.DeadLetterAsync(message, DeadLetterReason.Rejected, error));
    }
}
