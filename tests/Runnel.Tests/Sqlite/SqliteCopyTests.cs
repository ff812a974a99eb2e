using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Sqlite.Files;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>What happens when a database lacks what was written to it last: it was put back from a copy, or a power cut has undone its end.</summary>
public sealed class SqliteCopyTests : IAsyncDisposable
{
    private const int WentBack = 3012;
    private const int OriginUnknown = 3013;
    private static readonly Topic Articles = Topic.OfGroup("articles");
    private static readonly Topic Quiet = Topic.OfGroup("quiet");
    private static readonly Retention Keep = new(100, TimeSpan.FromHours(1));

    private readonly SqliteFile _file = new(TimeProvider.System);

    public ValueTask DisposeAsync() => _file.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)] // it comes from another machine
    public async Task An_older_copy_gives_no_position_out_twice_and_says_to_everybody_who_comes_back_that_messages_are_missing(bool hasMark)
    {
        List<Position> given = [];
        string copy;
        await using (var store = _file.Open())
        {
            var before = new SqliteBackplane(store);
            await new HistoryStateStore(before, TimeProvider.System).SetAsync("job", "kept"u8.ToArray(), TimeSpan.FromHours(1));
            await PublishAsync(before, 10, given);
            await before.PublishAsync(Quiet, "1"u8.ToArray(), Keep);
            copy = _file.Copy();
            await PublishAsync(before, 5, given);
            await before.PublishAsync(Quiet, "lost"u8.ToArray(), Keep);
        }
        _file.PutBack(copy);
        if (!hasMark)
            File.Delete(SqliteNames.HighMark(_file.Path));

        var after = new SqliteBackplane(_file.Open());
        var next = await after.PublishAsync(Articles, "new"u8.ToArray(), Keep);

        Assert.NotEqual(given[0].Epoch, next.Epoch);
        foreach (var position in given)
            Assert.False((await after.ReadHistoryAsync(Articles, position, 100)).IsComplete);
        Assert.False((await after.ReadHistoryAsync(Quiet, given[0] with { Offset = 1 }, 100)).IsComplete);
        Assert.Equal(11, (await after.ReadHistoryAsync(Articles, Position.None, 100)).Messages.Count);
        Assert.Equal("kept"u8.ToArray(), (await new HistoryStateStore(after, TimeProvider.System).GetAsync("job"))!.Value.Value.ToArray());
        Assert.Single(_file.Log.Of(hasMark ? WentBack : OriginUnknown));
    }

    [Fact]
    public async Task A_running_process_whose_database_is_put_back_tells_its_subscribers_at_once_and_goes_on()
    {
        var (one, two) = (new SqliteBackplane(_file.Open()), new SqliteBackplane(_file.Open()));
        await using var articles = await TopicListener.OnAsync(two, Articles);
        await using var quiet = await TopicListener.OnAsync(two, Quiet);
        await one.PublishAsync(Quiet, "1"u8.ToArray(), Keep);
        var copy = _file.Copy();
        await PublishAsync(one, 5, []);
        await Wait.Until(() => (articles.Delivered, quiet.Delivered) == (5, 1), "all are delivered");

        _file.Restore(copy);
        await Wait.Until(() => quiet.Gaps.Count > 0, "it is told");
        await PublishAsync(one, 1, []);

        await Wait.Until(() => articles.Delivered == 6, "the next message is delivered");
        Assert.All(quiet.Gaps, told => Assert.Equal(1, told.Delivered));
        Assert.Single(_file.Log.Of(WentBack));
    }

    [Fact]
    public async Task Every_running_process_is_told_also_when_the_database_is_put_back_for_the_second_time()
    {
        var (one, two) = (new SqliteBackplane(_file.Open()), new SqliteBackplane(_file.Open()));
        await using var first = await TopicListener.OnAsync(one, Quiet);
        await using var second = await TopicListener.OnAsync(two, Quiet);

        for (var time = 1; time <= 2; time++)
        {
            var told = (First: first.Gaps.Count, Second: second.Gaps.Count);
            var copy = _file.Copy();
            await PublishAsync(one, 5, []);
            _file.Restore(copy);
            await Wait.Until(() => first.Gaps.Count > told.First && second.Gaps.Count > told.Second, $"both are told, time {time}");
        }
    }

    [Fact]
    public async Task A_worker_settles_no_other_message_that_has_the_number_of_one_that_it_held_when_the_database_was_put_back()
    {
        ChannelName channel = "payments";
        var queue = new SqliteWorkQueue(_file.Open());
        await queue.EnqueueAsync(channel, [NewMessage()], EnqueueOptions.Default);
        var copy = _file.Copy();
        await queue.EnqueueAsync(channel, [NewMessage()], EnqueueOptions.Default);
        await using var zombie = await queue.OpenReceiverAsync(new ReceiverOptions());
        var held = await zombie.ReceiveAsync(channel, 2);
        Assert.Equal(2, held.Count);

        _file.Restore(copy);
        var later = NewMessage();
        await queue.EnqueueAsync(channel, [later], EnqueueOptions.Default);
        await using var worker = await queue.OpenReceiverAsync(new ReceiverOptions());
        var taken = await worker.ReceiveAsync(channel, 2);

        Assert.Equal([held[0].Id, later.Id], taken.Select(message => message.Id));
        foreach (var message in held)
            Assert.False(await zombie.CompleteAsync(message));
        foreach (var message in taken)
            Assert.True(await worker.CompleteAsync(message));
    }

    [Fact]
    public async Task A_process_that_is_killed_and_another_that_leaves_cost_nobody_a_gap()
    {
        List<Position> given = [];
        var dies = _file.Open();
        await PublishAsync(new SqliteBackplane(dies), 3, given);
        await dies.CrashAsync();
        await using (var leaves = _file.Open())
            await PublishAsync(new SqliteBackplane(leaves), 3, given);

        var after = new SqliteBackplane(_file.Open());

        Assert.Equal((true, 3), await after.ReadHistoryAsync(Articles, given[2], 100) is var missed ? (missed.IsComplete, missed.Messages.Count) : default);
        Assert.Empty(_file.Log.Of(WentBack));
    }

    private static Envelope NewMessage() => new(new Message("pay", default)) { Id = MessageId.New(TimeProvider.System) };

    private static async Task PublishAsync(SqliteBackplane backplane, int count, List<Position> given)
    {
        for (var i = 0; i < count; i++)
            given.Add(await backplane.PublishAsync(Articles, "article"u8.ToArray(), Keep));
    }
}
