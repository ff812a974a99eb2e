using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>A group with many more clients that do not read than clients that do.</summary>
[Collection(nameof(Metered))]
public sealed class DeafCrowdTests
{
    private const int Deaf = 1_000;
    private const int Readers = 10;
    private const int BetweenReads = 20; // much less than may wait for a client

    private static readonly string Large = new('x', 64 * 1024);

    [Fact]
    public async Task What_waits_for_a_thousand_clients_that_do_not_read_is_bounded_and_nobody_who_reads_is_cut()
    {
        using var counts = new Counts();
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(TimeProvider.System));
        var (deaf, readers) = (await JoinAsync(node, Deaf), await JoinAsync(node, Readers));
        var maxBytes = new OutboundOptions().MaxBytes;
        var sent = 0;

        // The deaf ones would have been cut long before twice as much.
        for (; deaf.Any(static client => client.Writer.Overflows == 0) && (long)sent * Large.Length < 2L * maxBytes; sent++)
        {
            await node.Groups.SendAsync("all", $"{sent}:{Large}");
            if (sent == 0)
                await Wait.Until(() => deaf.TrueForAll(static client => client.Writer.Frames.Count == 1), "each of the deaf has one on its wire");
            if (sent % BetweenReads == 0)
                await ReadAsync(readers, sent + 1);
        }
        await ReadAsync(readers, sent);

        // When it was cut, each had one frame on the wire and others that waited. The one that did not fit is counted with those.
        var held = counts[RunnelTelemetry.FramesDropped, nameof(OutboundPolicy.Disconnect)];
        var cost = readers[0].Writer.Frames[0].Cost;
        Assert.All(deaf, static client => Assert.Equal(1, client.Writer.Overflows));
        Assert.InRange(held * cost, (long)Deaf * (maxBytes - (2 * cost)), (long)Deaf * maxBytes);
        Assert.Single(deaf.Select(static client => Assert.Single(client.Writer.Frames)).Distinct());
        Assert.All(readers, reader => Assert.Equal(Enumerable.Range(0, sent), reader.Writer.Texts.Select(static text => int.Parse(text.Split(':')[0], null))));
        Assert.All(readers, static reader => Assert.Equal(0, reader.Writer.Overflows));
    }

    // They have read nothing since they did so last.
    private static async Task ReadAsync(List<FakeConnection> readers, int count)
    {
        foreach (var reader in readers)
        {
            reader.Writer.Unblock();
            await Wait.Until(() => reader.Writer.Frames.Count == count, "the reader has got everything");
            reader.Writer.Block();
        }
    }

    private static async Task<List<FakeConnection>> JoinAsync(FakeNode node, int count)
    {
        var members = new List<FakeConnection>();
        for (var i = 0; i < count; i++)
        {
            members.Add(await FakeConnection.ConnectAsync(node));
            await members[i].Groups.AddAsync("all");
            members[i].Writer.Block();
        }
        return members;
    }
}
