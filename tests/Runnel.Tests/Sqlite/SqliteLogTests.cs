using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>What the log says, and how often.</summary>
public sealed class SqliteLogTests : SqliteFileTests
{
    [Fact]
    public async Task A_failure_is_logged_once_however_long_it_lasts_and_again_when_it_comes_back()
    {
        var store = QueueFile.Open();
        var queue = new SqliteWorkQueue(store);
        await using var lease = await queue.OpenReceiverAsync(new());
        await queue.EnqueueAsync(Channel, [Of("1"), Of("2")], EnqueueOptions.Default);

        foreach (var message in await lease.ReceiveAsync(Channel, 2))
        {
            Task<bool> settling;
            using (QueueFile.Break("DELETE ON message"))
            {
                settling = lease.CompleteAsync(message).AsTask();
                await Wait.Until(() => !store.Writer.Health.IsConnected, "it failed");
                var rounds = store.Writer.Rounds;
                await Wait.Until(() => store.Writer.Rounds > rounds + 10, "it was tried again and again");
            }
            Assert.True(await Wait.For(settling, "the settlement"));
            await Wait.Until(() => store.Writer.Health.IsConnected, "it is over");
        }

        Assert.Equal((2, 2), (QueueFile.Log.Of(3004).Count(), QueueFile.Log.Of(3005).Count()));
    }

    [Fact]
    public async Task What_is_deleted_for_its_age_and_what_has_expired_is_logged_with_its_number()
    {
        var queue = new SqliteWorkQueue(QueueFile.Open(options => options.DeadLetterRetention = TimeSpan.FromDays(2)));
        await using var lease = await queue.OpenReceiverAsync(new());
        await queue.EnqueueAsync(Channel, [Of("1"), Of("2"), Of("3")], EnqueueOptions.Default);
        foreach (var message in await lease.ReceiveAsync(Channel, 3))
            await lease.DeadLetterAsync(message, DeadLetterReason.Rejected, null);
        await queue.EnqueueAsync(Channel, [Of("4") with { TimeToLive = TimeSpan.FromDays(1) }, Of("5") with { TimeToLive = TimeSpan.FromDays(1) }], EnqueueOptions.Default);

        await Clock.AdvanceAsync(TimeSpan.FromDays(2));

        await Wait.Until(() => QueueFile.Log.Of(3007).Any() && QueueFile.Log.Of(3008).Any(), "both are logged");
        Assert.Contains("2 messages were not handled before they expired", Assert.Single(QueueFile.Log.Of(3007)).Text, StringComparison.Ordinal);
        Assert.Contains("3 dead letters were older than they are kept", Assert.Single(QueueFile.Log.Of(3008)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_death_of_a_process_is_logged_once_with_its_name_and_how_much_it_held()
    {
        var (store, other, dies) = (QueueFile.Open(), QueueFile.Open(), QueueFile.Open());
        await new SqliteWorkQueue(store).EnqueueAsync(Channel, [Of("1"), Of("2"), Of("3")], EnqueueOptions.Default);
        await (await new SqliteWorkQueue(dies).OpenReceiverAsync(new())).ReceiveAsync(Channel, 2);

        await dies.CrashAsync();
        await Wait.Until(() => QueueFile.Count("node") == 2, "the death was noticed");
        foreach (var survivor in new[] { store, other })
        {
            var rounds = survivor.Writer.Rounds;
            await Wait.Until(() => survivor.Writer.Rounds > rounds + 5, "each has looked around since");
        }

        Assert.Contains($"Node {dies.Writer.Neighbours.Self.Name} has died. It held 2 messages", Assert.Single(QueueFile.Log.Of(3002)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_process_that_was_forgotten_says_under_which_name_it_goes_on()
    {
        var (store, _) = (QueueFile.Open(), QueueFile.Open());
        var old = store.Writer.Neighbours.Self;

        File.Delete(Path.Combine(QueueFile.Path + ".bell", old.Name + ".lock"));
        await Wait.Until(() => QueueFile.Log.Of(3003).Any(), "it has joined again");

        var text = Assert.Single(QueueFile.Log.Of(3003)).Text;
        Assert.Contains(old.Name, text, StringComparison.Ordinal);
        Assert.Contains($"it goes on as {store.Writer.Neighbours.Self.Name}", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task To_wait_longer_than_timers_take_is_no_failure()
    {
        var store = QueueFile.Open();
        var queue = new SqliteWorkQueue(store);
        await using var lease = await queue.OpenReceiverAsync(new());
        var receiving = lease.ReceiveAsync(Channel, 1).AsTask();
        await queue.EnqueueAsync(Channel, [Of("1") with { Delay = TimeSpan.FromDays(3000) }], EnqueueOptions.Default);
        await queue.EnqueueAsync("others", [Of("2") with { TimeToLive = TimeSpan.FromDays(3000) }], EnqueueOptions.Default);

        var rounds = store.Writer.Rounds;
        await Wait.Until(() => store.Writer.Rounds > rounds + 5, "it has looked around since");

        Assert.Equal((false, true), (receiving.IsCompleted, store.Writer.Health.IsConnected));
        Assert.Empty(QueueFile.Log.AtLeast(Microsoft.Extensions.Logging.LogLevel.Warning));
    }

    [Fact]
    public void A_path_that_is_too_long_for_bells_is_logged()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(QueueFile.Path)!, new string('d', 120)));

        QueueFile.Open(options => options.Path = Path.Combine(folder.FullName, "queue.db"));

        Assert.Contains("its path is too long", Assert.Single(QueueFile.Log.Of(3001)).Text, StringComparison.Ordinal);
    }
}
