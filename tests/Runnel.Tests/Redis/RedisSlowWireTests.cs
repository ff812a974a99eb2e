using Runnel.Layers;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>Large messages on a slow line, which take longer than Redis may be silent.</summary>
public sealed class RedisSlowWireTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncLifetime
{
    private const int Large = 300 * 1024;
    private const int Mebibyte = 1024 * 1024;

    private readonly RedisPlace _place = new(server);
    private readonly TcpWire _wire = TcpWire.To(server.Port);
    private RedisWorkQueue _here = null!;
    private RedisWorkQueue _far = null!;
    private int _lost;

    public ValueTask InitializeAsync()
    {
        _here = new RedisWorkQueue(_place.Open());
        // Far longer than what the system holds back of a message takes, which nobody sees move, and shorter than a whole message does.
        // A machine that stands still for a while has a part of it, too.
        var far = _place.Open(options => (options.Timeout, options.OutageTimeout) = (TimeSpan.FromSeconds(6), Wait.Limit), server.AddressAt(_wire.Port));
        far.ConnectedChanged += isConnected => _lost += isConnected ? 0 : 1;
        _far = new RedisWorkQueue(far);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_message_that_arrives_for_longer_than_Redis_may_be_silent_arrives_at_the_first_attempt()
    {
        await _here.EnqueueAsync("work", [Of(8 * Mebibyte)], EnqueueOptions.Default);
        await using var lease = await _far.OpenReceiverAsync(new ReceiverOptions());
        _wire.Slow(Mebibyte);

        var message = Assert.Single(await Wait.For(lease.ReceiveAsync("work", 10).AsTask(), "the message"));

        Assert.Equal(8 * Mebibyte, message.Envelope.Message.Body.Length);
        Assert.Equal(0, _lost);
    }

    [Fact]
    public async Task A_message_that_is_sent_for_longer_than_Redis_may_be_silent_is_sent_once()
    {
        _wire.Slow(Mebibyte);

        Assert.Equal(1, await Wait.For(_far.EnqueueAsync("work", [Of(8 * Mebibyte)], EnqueueOptions.Default).AsTask(), "the message to be stored"));

        Assert.Equal(0, _lost);
    }

    [Fact]
    public async Task A_claim_has_no_more_bytes_than_a_trip_may_have()
    {
        Envelope[] sent = [.. Enumerable.Range(0, 7).Select(_ => Of(Large))];
        await _here.EnqueueAsync("work", sent, EnqueueOptions.Default);
        await using var lease = await _here.OpenReceiverAsync(new ReceiverOptions());

        List<IReadOnlyList<ReceivedMessage>> claims = [];
        while (claims.Sum(claim => claim.Count) < sent.Length)
            claims.Add(await Wait.For(lease.ReceiveAsync("work", 100).AsTask(), "more messages"));

        Assert.Equal([3, 3, 1], claims.Select(claim => claim.Count));
        Assert.Equal(sent.Select(envelope => envelope.Id), claims.SelectMany(claim => claim).Select(message => message.Envelope.Id));
    }

    [Fact]
    public async Task Large_messages_that_were_given_back_are_claimed_a_few_at_a_time_too_and_in_their_order()
    {
        Envelope[] sent = [.. Enumerable.Range(0, 7).Select(_ => Of(Large))];
        await _here.EnqueueAsync("work", sent, EnqueueOptions.Default);
        await using (var lease = await _here.OpenReceiverAsync(new ReceiverOptions()))
        {
            for (var left = 5; left > 0;)
                left -= (await Wait.For(lease.ReceiveAsync("work", left).AsTask(), "messages")).Count;
        }
        await using var next = await _here.OpenReceiverAsync(new ReceiverOptions());

        List<IReadOnlyList<ReceivedMessage>> claims = [];
        while (claims.Sum(claim => claim.Count) < sent.Length)
            claims.Add(await Wait.For(next.ReceiveAsync("work", 100).AsTask(), "more messages"));

        Assert.Equal([3, 3, 1], claims.Select(claim => claim.Count));
        Assert.Equal(sent.Select(envelope => envelope.Id), claims.SelectMany(claim => claim).Select(message => message.Envelope.Id));
    }

    [Fact]
    public async Task A_message_larger_than_a_claim_may_be_is_claimed_alone()
    {
        await _here.EnqueueAsync("work", [Of(2 * Mebibyte), Of(1), Of(2 * Mebibyte)], EnqueueOptions.Default);
        await using var lease = await _here.OpenReceiverAsync(new ReceiverOptions());

        for (var i = 0; i < 3; i++)
            Assert.Single(await Wait.For(lease.ReceiveAsync("work", 100).AsTask(), "a message"));
    }

    [Fact]
    public async Task A_history_of_large_messages_is_read_a_few_at_a_time()
    {
        var (topic, keep) = (Topic.OfGroup("articles"), new Retention(100, TimeSpan.FromMinutes(1)));
        await using var backplane = new RedisBackplane(_place.Open());
        for (var i = 0; i < 7; i++)
            await backplane.PublishAsync(topic, new byte[Large], keep);

        var first = await backplane.ReadHistoryAsync(topic, Position.None, 100);
        var second = await backplane.ReadHistoryAsync(topic, first.Messages[^1].Position, 100);

        Assert.Equal((4, true), (first.Messages.Count, first.HasMore));
        Assert.Equal((3, false), (second.Messages.Count, second.HasMore));
    }

    public async ValueTask DisposeAsync()
    {
        await _here.DisposeAsync();
        await _far.DisposeAsync();
        await _place.DisposeAsync();
        await _wire.DisposeAsync();
    }

    private static Envelope Of(int bytes) => new(new Message("do", new byte[bytes])) { Id = MessageId.New(TimeProvider.System) };
}
