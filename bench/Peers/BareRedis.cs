using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Sending;
using Runnel.Redis.Stores;

namespace Runnel.Bench;

/// <summary>The layer's own scripts through its own client, and nothing else: the same is stored, claimed under a lease and settled, but by a loop.</summary>
/// <remarks>What the product can come near to: everything above is what its queueing, its leases, its workers and JSON cost.</remarks>
internal sealed class BareRedis : IBareStore
{
    private const int Trips = 2; // on their way at once, as in the product
    private const int ClaimsAtOnce = 256;
    private const string Worker = "bare";

    private static readonly EnqueueOptions Options = new() { Capacity = int.MaxValue };

    private readonly RedisStore _store;
    private readonly RedisChannel _channel;
    private readonly Message _message = new("bench", new byte[BenchWork.Length]);

    private BareRedis(RedisStore store)
    {
        _store = store;
        _channel = new RedisChannel(QueueHost.Channel, store);
    }

    public static async Task<BareRedis> OpenAsync(string address, string prefix, CancellationToken cancellationToken)
    {
        var store = new RedisStore(new RedisOptions { Address = address, Prefix = prefix }, TimeProvider.System, NullLogger<RedisStore>.Instance);
        await store.OpenAsync(cancellationToken);
        return new BareRedis(store);
    }

    public Task EnqueueAsync(int callers, int messages)
    {
        var trips = Math.Min(Trips, callers);
        return LoopAsync(trips, messages, groups: callers / trips, length: 1);
    }

    public Task EnqueueBulkAsync(int messages) => LoopAsync(Trips, messages, groups: QueueHost.BulkCallers / Trips, QueueHost.Batch);

    public async Task ProcessAsync(int messages)
    {
        for (long step = 1, claimed = 0, left = messages; left > 0 || claimed > 0; step++)
        {
            var most = Math.Min(left, ClaimsAtOnce);
            var writer = _channel.Begin(RedisScript.Step, 7 + (int)claimed);
            writer.Add("0"u8); // not sent before
            writer.Add(Worker);
            writer.Add(step);
            writer.Add(most);
            writer.Add(int.MaxValue); // bytes
            writer.Add(step == 1 ? (long)TimeSpan.FromMinutes(10).TotalMicroseconds : 0);
            writer.Add(claimed);
            for (var claim = 1; claim <= claimed; claim++)
                writer.Add($"{step - 1}.{claim}");
            var answer = (await _store.Commands.ExecuteAsync(writer.Written)).Items;
            claimed = answer.Length - 3;
            if (claimed < most)
                throw new BenchException("The bare loop's channel was empty before its time.");
            left -= claimed;
        }
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    // So many trips at once, each with so many groups of so many messages.
    private Task LoopAsync(int trips, int messages, int groups, int length)
    {
        var last = -groups * length;
        return Task.WhenAll(Enumerable.Range(0, trips).Select(trip => Task.Run(async () =>
        {
            for (var first = Next(); first < messages; first = Next())
                await StoreAsync([.. Enumerable.Range(0, Math.Min(groups, (messages - first) / length)).Select(_ => NewRequest(length))], trip);
        })));

        int Next() => Interlocked.Add(ref last, groups * length);
    }

    private EnqueueRequest NewRequest(int length) => new(
        QueueHost.Channel, [.. Enumerable.Range(0, length).Select(_ => new Envelope(_message) { Id = MessageId.New(TimeProvider.System) })], Options, _store.Sealing);

    private async Task StoreAsync(EnqueueRequest[] requests, int place)
    {
        var trip = new EnqueueTrip(requests, place, _store.NextRequest());
        var last = _channel.Keys.SentBy($"bare.{place}");
        var writer = _channel.Begin(RedisScript.Enqueue, 4 + trip.Arguments, [last, _channel.Keys.Seen, last], trip.Size + 1024);
        writer.Add("0"u8); // not sent before
        writer.Add(trip.Number);
        writer.Add((long)_store.AnswersAreKept.TotalMilliseconds);
        writer.Add("0"u8); // behind none
        trip.Write(writer);
        var answer = (await _store.Commands.ExecuteAsync(writer.Written)).Items;
        if (trip.Read(answer).Any(static stored => stored < 1))
            throw new BenchException("The bare loop's messages were not stored.");
    }
}
