using System.Collections.Concurrent;
using System.Text;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Sqlite.Files;
using Runnel.Sqlite.Tables;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>What subscribers get that are busy while others publish.</summary>
public sealed class SqliteSubscriberTests : SqliteFileTests
{
    [Fact]
    public async Task A_subscriber_that_is_slow_costs_no_message_and_no_more_than_its_buffer()
    {
        var store = QueueFile.Open(options => options.DeliveryBuffer = 10);
        var backplane = new SqliteBackplane(store);
        var other = new SqliteBackplane(QueueFile.Open());
        using var goOn = new ManualResetEventSlim();
        List<string> seen = [];
        await using var subscription = await backplane.SubscribeAsync(Articles, message =>
        {
            goOn.Wait();
            lock (seen)
                seen.Add(Encoding.UTF8.GetString(message.Payload.Span));
        });

        for (var i = 0; i < 200; i++)
            await (i % 2 == 0 ? backplane : other).PublishAsync(Articles, Encoding.UTF8.GetBytes($"{i}"), retention: null);
        goOn.Set();

        await Wait.Until(() => Volatile.Read(ref seen).Count == 200, "all messages were delivered");
        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"{i}"), seen);
    }

    [Fact]
    public async Task What_a_process_publishes_to_itself_beyond_its_buffer_waits_in_the_file_until_its_subscribers_have_time()
    {
        const int Count = 100;
        var backplane = new SqliteBackplane(QueueFile.Open(options => (options.DeliveryBuffer, options.LookInterval) = (10, TimeSpan.FromHours(1))));
        using var goOn = new ManualResetEventSlim();
        var seen = new ConcurrentQueue<string>();
        await using var subscription = await backplane.SubscribeAsync(Articles, message =>
        {
            goOn.Wait();
            seen.Enqueue(Encoding.UTF8.GetString(message.Payload.Span));
        });

        for (var i = 0; i < Count; i++)
            await backplane.PublishAsync(Articles, Encoding.UTF8.GetBytes($"{i}"), retention: null);
        var waiting = QueueFile.Count("publication");
        goOn.Set();

        await Wait.Until(() => seen.Count == Count, "all messages were delivered");
        Assert.Equal(Enumerable.Range(0, Count).Select(i => $"{i}"), seen);
        Assert.InRange(waiting, Count / 2, Count);
    }

    [Fact]
    public async Task A_subscription_that_begins_while_the_one_before_ends_hears_other_processes()
    {
        var (store, other) = (QueueFile.Open(), new SqliteBackplane(QueueFile.Open()));
        var backplane = new SqliteBackplane(store);
        var before = await backplane.SubscribeAsync(Articles, static _ => { });
        using var goOn = new ManualResetEventSlim();

        var busy = store.RunAsync(_ => goOn.Wait(Wait.Limit));
        var beginning = TopicListener.OnAsync(backplane, Articles);
        var ending = before.DisposeAsync().AsTask(); // which the writer is told behind it
        goOn.Set();
        Assert.True(await busy);
        await Wait.For(ending, "the end");
        await using var listener = await Wait.For(beginning, "the subscription");
        await other.PublishAsync(Articles, "news"u8.ToArray(), retention: null);

        Assert.Equal("news", await listener.NextAsync());
    }

    [Fact]
    public async Task A_process_that_did_not_look_for_longer_than_messages_wait_for_it_is_told_that_some_may_be_missing()
    {
        var (publishes, listens) = (QueueFile.Open(), QueueFile.Open(options => options.LookInterval = TimeSpan.FromHours(1)));
        await using var listener = await TopicListener.OnAsync(new SqliteBackplane(listens), Articles);
        File.Delete(SqliteNames.Socket(QueueFile.Path, listens.Writer.Neighbours.Self.Name)!); // as if it were stopped, it hears no ring

        await new SqliteBackplane(publishes).PublishAsync(Articles, "missed"u8.ToArray(), retention: null);
        await Clock.AdvanceAsync(PublicationTable.Transit + TimeSpan.FromSeconds(1));
        await Wait.Until(() => QueueFile.Count("publication") == 0, "it is deleted");
        await listens.RunAsync(static _ => true);

        await Wait.Until(() => listener.Gaps.Count == 1, "the gap is told");
        await new SqliteBackplane(listens).PublishAsync(Articles, "next"u8.ToArray(), retention: null);
        Assert.Equal("next", await listener.NextAsync());
    }

    [Fact]
    public async Task A_message_with_a_short_history_waits_for_a_busy_process_as_long_as_one_with_none()
    {
        const int Count = 50;
        var (publishes, listens) = (QueueFile.Open(), QueueFile.Open(options => options.DeliveryBuffer = 10));
        using var goOn = new ManualResetEventSlim();
        using var all = new CountdownEvent(Count);
        await using var subscription = await new SqliteBackplane(listens).SubscribeAsync(Articles, _ =>
        {
            goOn.Wait();
            all.Signal();
        });
        for (var i = 0; i < Count; i++)
            await new SqliteBackplane(publishes).PublishAsync(Articles, "new"u8.ToArray(), new Retention(Count, TimeSpan.FromSeconds(1)));

        await Clock.AdvanceAsync(TimeSpan.FromSeconds(2));
        await publishes.RunAsync(_ => true); // what has ended by now is swept
        goOn.Set();

        await Wait.Until(() => all.IsSet, "all messages were delivered");
    }

    [Fact]
    public async Task A_process_that_stood_still_for_longer_than_messages_stay_for_it_is_told_so_on_each_topic()
    {
        var (publishes, stands) = (new SqliteBackplane(QueueFile.Open()), QueueFile.Open());
        await using var group = await TopicListener.OnAsync(new SqliteBackplane(stands), Articles);
        await using var inbox = await TopicListener.OnAsync(new SqliteBackplane(stands), Topic.OfNode("stands"));
        using var goOn = new ManualResetEventSlim();
        var standing = new TaskCompletionSource();
        stands.Writer.Neighbours.Changed += () =>
        {
            standing.TrySetResult();
            goOn.Wait();
        };
        QueueFile.Open(); // which the writer notices: the only thread of the process that looks into the file
        await Wait.For(standing.Task, "the process to stand still");

        await publishes.PublishAsync(Articles, "lost"u8.ToArray(), retention: null);
        await publishes.PublishAsync(Topic.OfNode("stands"), "lost"u8.ToArray(), retention: null);
        await Clock.AdvanceAsync(PublicationTable.Transit * 2);
        await Wait.Until(() => QueueFile.Count("publication") == 0, "the messages wait for it no longer");
        goOn.Set();

        await Wait.Until(() => group.Gaps.Count > 0 && inbox.Gaps.Count > 0, "it is told");
        Assert.All([group, inbox], listener => Assert.Equal((TopicGap.Unknown, 0), Assert.Single(listener.Gaps)));
        await publishes.PublishAsync(Articles, "after"u8.ToArray(), retention: null);
        Assert.Equal("after", await group.NextAsync());
    }

    [Fact]
    public async Task A_subscription_does_not_wait_for_the_disk_and_what_is_published_to_it_does()
    {
        var (store, other) = (QueueFile.Open(), new SqliteBackplane(QueueFile.Open()));
        var confirmed = store.Writer.Confirmed;

        await using (var listener = await TopicListener.OnAsync(new SqliteBackplane(store), Articles))
        {
            await other.PublishAsync(Articles, "1"u8.ToArray(), retention: null);
            Assert.Equal("1", await listener.NextAsync());
        }

        Assert.Equal(confirmed, store.Writer.Confirmed);
        await new SqliteBackplane(store).PublishAsync(Articles, "2"u8.ToArray(), new Retention(10, TimeSpan.FromMinutes(1)));
        Assert.Equal(confirmed + 1, store.Writer.Confirmed);
    }

    [Fact]
    public async Task A_subscription_gets_nothing_that_was_published_before_it()
    {
        var (backplane, other) = (new SqliteBackplane(QueueFile.Open()), Topic.OfGroup("other"));
        using var goOn = new ManualResetEventSlim();
        await using var busy = await backplane.SubscribeAsync(other, _ => goOn.Wait());
        var earlier = await backplane.SubscribeAsync(Articles, static _ => { });
        await backplane.PublishAsync(other, "waits"u8.ToArray(), retention: null);
        await backplane.PublishAsync(Articles, "before"u8.ToArray(), retention: null);
        await earlier.DisposeAsync();

        await using var later = await TopicListener.OnAsync(backplane, Articles);
        await backplane.PublishAsync(Articles, "after"u8.ToArray(), retention: null);
        goOn.Set();

        Assert.Equal("after", await later.NextAsync());
    }

    [Fact]
    public async Task A_process_whose_lock_file_was_deleted_goes_on_hearing_its_topics()
    {
        var (publishes, listens) = (QueueFile.Open(), QueueFile.Open());
        var heard = new TaskCompletionSource();
        await using var subscription = await new SqliteBackplane(listens).SubscribeAsync(Articles, _ => heard.TrySetResult());
        var old = listens.Writer.Neighbours.Self;

        File.Delete(Path.Combine(QueueFile.Path + ".bell", old.Name + ".lock"));
        await Wait.Until(() => listens.Writer.Neighbours.Self != old, "the process has joined again");
        await new SqliteBackplane(publishes).PublishAsync(Articles, "news"u8.ToArray(), retention: null);

        await Wait.For(heard.Task, "the message");
    }
}
