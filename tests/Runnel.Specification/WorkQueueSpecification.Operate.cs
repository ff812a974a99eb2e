using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

public abstract partial class WorkQueueSpecification
{
    [Fact]
    public async Task A_dead_letter_is_listed_with_its_reason_error_counters_and_time()
    {
        var lease = await WorkerAsync();
        var sent = Of("1", "k");
        await EnqueueAsync(sent);
        await lease.AbandonAsync(await TakeOneAsync(lease), new AbandonOptions());
        var from = Clock.Now;

        Assert.True(await lease.DeadLetterAsync(await TakeOneAsync(lease), DeadLetterReason.AttemptsExhausted, "It broke.\n  at Pay()"));

        var letter = Assert.Single(await Operator.ListDeadLettersAsync(Channel, DeadLetterFilter.All, 10));
        Assert.Equal((Channel, sent.Id, "1", KeyOf("k"), 2, 0),
            (letter.Channel, letter.Envelope.Id, Text(letter.Envelope), letter.Envelope.Key, letter.Envelope.Attempt, letter.Envelope.Crashes));
        Assert.Equal((DeadLetterReason.AttemptsExhausted, "It broke.\n  at Pay()"), (letter.Reason, letter.Error));
        Assert.InRange(letter.At, from.AddMilliseconds(-1), Clock.Now.AddMilliseconds(1));
        await AssertNothingReadyAsync();
    }

    [Fact]
    public async Task An_error_of_any_length_can_be_told_and_its_beginning_is_kept()
    {
        var error = $"It broke. {new string('x', 1_000_000)}";
        var lease = await WorkerAsync();
        await EnqueueAsync(Of("1"));

        Assert.True(await lease.DeadLetterAsync(await TakeOneAsync(lease), DeadLetterReason.AttemptsExhausted, error));

        var kept = Assert.Single(await Operator.ListDeadLettersAsync(Channel, DeadLetterFilter.All, 10)).Error;
        Assert.StartsWith(kept![..1_000], error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dead_letters_are_listed_oldest_first_up_to_the_limit_and_by_filter()
    {
        if (!await PromisesAsync(WorkQueueFeatures.FilterDeadLetters))
            return;
        var letters = await MakeDeadLettersAsync();

        Assert.Equal(["1", "2", "3", "4"], await ListAsync(DeadLetterFilter.All, 10));
        Assert.Equal(["1", "2"], await ListAsync(DeadLetterFilter.All, 2));
        Assert.Equal(["3"], await ListAsync(new DeadLetterFilter { Id = letters[2].Id }, 10));
        Assert.Equal(["2", "4"], await ListAsync(new DeadLetterFilter { Type = "refund" }, 10));
        Assert.Equal(["2"], await ListAsync(new DeadLetterFilter { Type = "refund" }, 1));
        Assert.Equal(["1", "2"], await ListAsync(new DeadLetterFilter { Reason = DeadLetterReason.Rejected }, 10));
        Assert.Equal(["4"], await ListAsync(new DeadLetterFilter { Type = "refund", Reason = DeadLetterReason.Unreadable }, 10));
        Assert.Empty(await ListAsync(new DeadLetterFilter { Id = letters[2].Id, Type = "refund" }, 10));
        Assert.Empty(await Operator.ListDeadLettersAsync("elsewhere", DeadLetterFilter.All, 10));
    }

    [Fact]
    public async Task A_replayed_message_is_handled_again_at_the_end_of_the_line_with_its_counters_at_zero()
    {
        if (!await PromisesAsync(WorkQueueFeatures.FilterDeadLetters) || !await PromisesAsync(WorkQueueFeatures.CountCrashes))
            return;
        var letters = await MakeDeadLettersAsync();
        await EnqueueAsync(Of("new"));

        Assert.Equal(1, await Operator.ReplayAsync(Channel, new DeadLetterFilter { Id = letters[2].Id }));
        Assert.Equal(2, await Operator.ReplayAsync(Channel, new DeadLetterFilter { Type = "refund" }));
        Assert.Equal(["1"], await ListAsync(DeadLetterFilter.All, 10));
        Assert.Equal(1, await Operator.ReplayAsync(Channel, DeadLetterFilter.All));
        Assert.Equal(0, await Operator.ReplayAsync(Channel, DeadLetterFilter.All));

        var lease = await WorkerAsync();
        var again = await TakeAllAsync(lease, 5);
        Assert.Equal(["new", "3", "2", "4", "1"], again.Select(Text));
        Assert.All(again, message => Assert.Equal((0, 0), (message.Envelope.Attempt, message.Envelope.Crashes)));
        Assert.All(again.Skip(1), message => Assert.Contains(message.Id, letters.Select(letter => letter.Id)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("k")]
    public async Task The_attempts_and_the_deaths_of_a_message_that_is_replayed_count_anew(string? key)
    {
        if (!await PromisesAsync(WorkQueueFeatures.CountCrashes))
            return;
        await EnqueueAsync(Of("1", key));
        var first = await WorkerAsync();
        await TakeOneAsync(first);
        await CrashAsync(first);
        var second = await WorkerAsync();
        await second.AbandonAsync(await TakeOneAsync(second), new AbandonOptions());
        await second.DeadLetterAsync(await TakeOneAsync(second), DeadLetterReason.Rejected, null);

        // It asks before there is something: a worker that nobody asks may leave the key just then, and what comes meanwhile may count a death.
        var replayed = TakeOneAsync(second);
        Assert.Equal(1, await Operator.ReplayAsync(Channel, DeadLetterFilter.All));
        await replayed;
        await CrashAsync(second);

        var again = await TakeOneAsync(await WorkerAsync());
        Assert.Equal((0, 1), (again.Envelope.Attempt, again.Envelope.Crashes));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_message_that_is_replayed_no_longer_expires(bool isLate)
    {
        var lease = await WorkerAsync();
        await EnqueueAsync(Of("1", "k") with { ExpiresAt = Clock.Now + Clock.Units(10) }); // a loaded machine may take a while to hand it out
        await lease.DeadLetterAsync(await TakeOneAsync(lease), DeadLetterReason.Rejected, null);
        if (isLate)
            await Clock.AdvanceAsync(11);

        Assert.Equal(1, await Operator.ReplayAsync(Channel, DeadLetterFilter.All));
        if (!isLate)
            await Clock.AdvanceAsync(11);

        var again = await TakeOneAsync(lease);
        Assert.Equal(("1", null), (Text(again), again.Envelope.ExpiresAt));
        await lease.DeadLetterAsync(again, DeadLetterReason.Rejected, null);
        Assert.Null(Assert.Single(await Operator.ListDeadLettersAsync(Channel, DeadLetterFilter.All, 10)).Envelope.ExpiresAt);
    }

    [Fact]
    public async Task A_replayed_message_waits_behind_those_of_its_key()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        var lease = await WorkerAsync();
        await EnqueueAsync(Of("1", "k"), Of("2", "k"));
        await lease.DeadLetterAsync(await TakeOneAsync(lease), DeadLetterReason.Rejected, null);
        var second = await TakeOneAsync(lease);

        await Operator.ReplayAsync(Channel, DeadLetterFilter.All);
        await AssertNothingReadyAsync();
        await lease.CompleteAsync(second);

        Assert.Equal(["1"], await DrainAsync(lease, 1));
    }

    [Fact]
    public async Task Capacity_does_not_refuse_a_replay()
    {
        await MakeDeadLettersAsync();
        await Queue.EnqueueAsync(Channel, [Of("fills it")], CapacityOf(1));

        Assert.Equal(4, await Operator.ReplayAsync(Channel, DeadLetterFilter.All));

        await AssertStatusAsync(5, status => status.Ready);
        Assert.Equal(["1", "2", "3", "4", "fills it"], (await DrainAsync(await WorkerAsync(), 5)).Order());
    }

    [Fact]
    public async Task A_worker_that_waits_gets_what_is_replayed()
    {
        var lease = await WorkerAsync();
        await EnqueueAsync(Of("1"));
        await lease.DeadLetterAsync(await TakeOneAsync(lease), DeadLetterReason.Rejected, null);
        Task<IReadOnlyList<ReceivedMessage>>[] receiving = [lease.ReceiveAsync(Channel, 1).AsTask(), lease.ReceiveAsync(Channel, 1).AsTask()];
        await EnqueueAsync(Of("2"));
        var first = await Wait.For(Task.WhenAny(receiving), "the other message"); // so that the layer knows that the second one waits

        await Operator.ReplayAsync(Channel, DeadLetterFilter.All);

        Assert.Equal("2", Text(Assert.Single(await first)));
        Assert.Equal("1", Text(Assert.Single(await Wait.For(receiving.Single(task => task != first), "the replayed message"))));
    }

    [Fact]
    public async Task All_dead_letters_are_listed_replayed_and_purged_however_large_they_are()
    {
        const int Count = 12;
        var lease = await WorkerAsync();
        var large = new string('x', 200_000);
        foreach (var number in Enumerable.Range(0, Count))
            await EnqueueAsync(Of($"{number}{large}"));
        await DeadLetterAllAsync();

        Assert.Equal(Count, (await ListAsync(DeadLetterFilter.All, Count + 1)).Distinct().Count());
        Assert.Equal(Count, await Operator.ReplayAsync(Channel, DeadLetterFilter.All));
        await DeadLetterAllAsync();
        Assert.Equal(Count, await Operator.PurgeAsync(Channel, DeadLetterFilter.All));

        await AssertNothingHeldAsync();

        async Task DeadLetterAllAsync()
        {
            foreach (var message in await TakeAllAsync(lease, Count))
                await lease.DeadLetterAsync(message, DeadLetterReason.Rejected, null);
        }
    }

    [Fact]
    public async Task Dead_letters_that_fit_are_found_behind_many_that_do_not()
    {
        if (!await PromisesAsync(WorkQueueFeatures.FilterDeadLetters))
            return;
        const int Count = 250;
        var lease = await WorkerAsync();
        await EnqueueAsync([.. Enumerable.Range(0, Count).Select(number => Of($"{number}", type: number % 10 == 9 ? "refund" : "pay"))]);
        var taken = await TakeAllAsync(lease, Count); // where a place is not kept, a pause of the test changes their order
        foreach (var message in taken)
            await lease.DeadLetterAsync(message, DeadLetterReason.Rejected, null);
        var refunds = new DeadLetterFilter { Type = "refund" };

        Assert.Equal(taken.Where(message => message.Envelope.Message.Type == "refund").Select(Text), await ListAsync(refunds, Count));
        Assert.Equal(Count / 10, await Operator.ReplayAsync(Channel, refunds));
        Assert.Equal(Count - (Count / 10), await Operator.PurgeAsync(Channel, new DeadLetterFilter { Type = "pay" }));

        await AssertStatusAsync(Count / 10, status => status.Ready);
        Assert.Empty(await ListAsync(DeadLetterFilter.All, Count));
    }

    [Fact]
    public async Task Purging_deletes_the_dead_letters_that_fit_and_no_others()
    {
        if (!await PromisesAsync(WorkQueueFeatures.FilterDeadLetters))
            return;
        await MakeDeadLettersAsync();

        Assert.Equal(2, await Operator.PurgeAsync(Channel, new DeadLetterFilter { Type = "refund" }));
        Assert.Equal(["1", "3"], await ListAsync(DeadLetterFilter.All, 10));
        Assert.Equal(2, await Operator.PurgeAsync(Channel, DeadLetterFilter.All));
        Assert.Equal(0, await Operator.PurgeAsync(Channel, DeadLetterFilter.All));

        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task A_channels_status_counts_what_it_holds_by_where_it_is()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder) || !await PromisesAsync(WorkQueueFeatures.FullStatus))
            return;
        var lease = await WorkerAsync();
        var oldest = DateTimeOffset.FromUnixTimeMilliseconds(Clock.Now.ToUnixTimeMilliseconds()) - TimeSpan.FromMinutes(5);
        await EnqueueAsync(Of("held", "k"), Of("dead"));
        var held = await TakeAllAsync(lease, 2);
        await lease.DeadLetterAsync(held[1], DeadLetterReason.Rejected, null);
        await EnqueueAsync(
            Of("blocked", "k"),
            Of("blocked", "k"),
            Of("ready"),
            Of("ready") with { SentAt = oldest },
            Of("ready"),
            Of("later") with { NotBefore = Clock.Now + Clock.Units(100), SentAt = oldest - TimeSpan.FromMinutes(5) });

        Assert.Equal(new ChannelStatus(Channel, Ready: 3, Scheduled: 1, Blocked: 2, InFlight: 1, Dead: 1, oldest), await StatusAsync());
    }

    [Fact]
    public async Task A_message_that_was_given_back_is_as_old_as_when_it_was_sent()
    {
        var lease = await WorkerAsync();
        var oldest = DateTimeOffset.FromUnixTimeMilliseconds(Clock.Now.ToUnixTimeMilliseconds()) - TimeSpan.FromMinutes(5);
        await EnqueueAsync(Of("1") with { SentAt = oldest });

        Assert.True(await lease.AbandonAsync(await TakeOneAsync(lease), AbandonOptions.Untouched));

        await AssertStatusAsync(oldest, status => status.OldestReady);
    }

    [Fact]
    public async Task Channels_are_listed_by_name_and_only_those_that_hold_anything()
    {
        var lease = await WorkerAsync();
        foreach (var channel in new[] { "c", "a", "b" })
            await Queue.EnqueueAsync(channel, [Of("1")], EnqueueOptions.Default);
        await lease.CompleteAsync(await TakeOneAsync(lease, "b"));
        var held = await TakeOneAsync(lease, "a");

        var channels = await Operator.ListChannelsAsync();

        Assert.Equal(["a", "c"], channels.Select(channel => channel.Channel.Value));
        Assert.Null(channels[0].OldestReady);
        await lease.CompleteAsync(held);
    }

    [Fact]
    public async Task Flushing_deletes_everything_and_what_workers_hold_is_lost_to_them()
    {
        if (!await PromisesAsync(WorkQueueFeatures.KeyOrder))
            return;
        var lease = await WorkerAsync();
        await MakeDeadLettersAsync();
        await EnqueueAsync(Of("held", "k"));
        var held = await TakeOneAsync(lease);
        await EnqueueAsync(Of("blocked", "k"), Of("ready"), Of("later") with { NotBefore = Clock.Now + Clock.Units(2), ExpiresAt = Clock.Now + Clock.Units(5) });

        await Operator.FlushAsync();

        Assert.Empty(await Operator.ListChannelsAsync());
        Assert.False(await lease.CompleteAsync(held));
        await Clock.AdvanceAsync(3);
        await EnqueueAsync(Of("new", "k"));
        Assert.Equal(["new"], await DrainAsync(lease, 1));
        await AssertNothingHeldAsync();
    }

    [Fact]
    public async Task Flushing_forgets_the_deduplication_ids_too()
    {
        if (!await PromisesAsync(WorkQueueFeatures.Deduplicate))
            return;
        Envelope Pay(string text) => Of(text) with { DeduplicationId = "nonce", DeduplicationWindow = Clock.Units(100) };
        await EnqueueAsync(Pay("1"));

        await Operator.FlushAsync();

        Assert.Equal(1, await EnqueueAsync(Pay("2")));
        Assert.Equal(["2"], await DrainAsync(await WorkerAsync(), 1));
    }

    private async Task<List<Envelope>> MakeDeadLettersAsync()
    {
        var lease = await WorkerAsync();
        List<Envelope> letters = [Of("1"), Of("2", type: "refund"), Of("3"), Of("4", type: "refund")];
        await EnqueueAsync([.. letters]);
        var taken = await TakeAllAsync(lease, 4);
        await lease.AbandonAsync(taken[3], new AbandonOptions());
        taken[3] = await TakeOneAsync(lease);
        for (var i = 0; i < 4; i++)
            await lease.DeadLetterAsync(taken[i], i < 2 ? DeadLetterReason.Rejected : DeadLetterReason.Unreadable, $"error {i}");
        await lease.DisposeAsync();
        return letters;
    }

    private async Task<List<string>> ListAsync(DeadLetterFilter filter, int limit) =>
        [.. (await Operator.ListDeadLettersAsync(Channel, filter, limit)).Select(letter => Text(letter.Envelope))];
}
