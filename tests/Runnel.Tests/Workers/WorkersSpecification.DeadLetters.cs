using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

public abstract partial class WorkersSpecification
{
    [Fact]
    public async Task A_message_whose_attempts_are_used_up_is_a_dead_letter_with_its_last_error()
    {
        var attempts = new Inbox<int>();
        var app = await StartAsync(host => host.MapChannel("payments", (Pay _, JobContext job) =>
        {
            attempts.Add(job.Attempt);
            return job.Attempt == 1 ? throw new InvalidOperationException("boom 1") : Task.FromException(new TimeoutException($"boom {job.Attempt}"));
        }, RetryAtOnce));

        var sent = await app.Channels.SendAsync("payments", new Pay("1"));
        var dead = await DeadLetterAsync(app, "payments");

        Assert.Equal([1, 2, 3], await attempts.NextAsync(3));
        Assert.Equal((sent.Id, DeadLetterReason.AttemptsExhausted), (dead.Envelope.Id, dead.Reason));
        Assert.StartsWith("TimeoutException: boom 3", dead.Error, StringComparison.Ordinal);
        await Wait.Until(() => app.RunningJobs == 0, "no job counts as running");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_consumer_gives_a_message_up_for_good(bool throws)
    {
        var attempts = new Inbox<int>();
        var app = await StartAsync(host => host.MapChannel("payments", (Pay _, JobContext job) =>
        {
            attempts.Add(job.Attempt);
            if (throws)
                throw new DeadLetterException("No such order.");
            job.DeadLetter("No such order.");
            return Task.CompletedTask;
        }));

        await app.Channels.SendAsync("payments", new Pay("1"));
        var dead = await DeadLetterAsync(app, "payments");

        Assert.Equal(DeadLetterReason.Rejected, dead.Reason);
        Assert.StartsWith("No such order.", dead.Error, StringComparison.Ordinal);
        Assert.Equal((1, 1), (attempts.Count, dead.Envelope.Attempt));
    }

    [Theory]
    [InlineData("report", "cannot report a progress of 50", "progress")]
    [InlineData("retry", "cannot come back after -00:00:01", "delay")]
    [InlineData("throw", "cannot come back after -00:00:01", "delay")]
    [InlineData("reschedule", "cannot come back after -00:00:01", "delay")]
    [InlineData("reschedule-message", "cannot come back after -00:00:01", "delay")]
    public async Task A_consumer_that_gives_its_job_a_wrong_argument_is_told_so_and_not_tried_again(string what, string sentence, string parameter)
    {
        var attempts = new Inbox<int>();
        var app = await StartAsync(host => host.MapChannel("payments", async (Pay pay, JobContext job) =>
        {
            attempts.Add(job.Attempt);
            var negative = TimeSpan.FromSeconds(-1);
            if (what == "report")
                await job.ReportAsync(50);
            else if (what == "retry")
                job.RetryAfter(negative);
            else if (what == "throw")
                throw new RetryAfterException(negative);
            else if (what == "reschedule")
                job.Reschedule(negative);
            else
                job.Reschedule(negative, pay);
        }));

        await app.Channels.SendAsync("payments", new Pay("1"));
        var dead = await DeadLetterAsync(app, "payments");

        Assert.Equal((DeadLetterReason.Rejected, 1), (dead.Reason, dead.Envelope.Attempt));
        Assert.Contains(sentence, dead.Error, StringComparison.Ordinal);
        Assert.Contains($"'{parameter}'", dead.Error, StringComparison.Ordinal);
        Assert.Equal(1, attempts.Count);
    }

    [Fact]
    public async Task A_message_that_killed_its_workers_too_often_is_put_aside_and_not_begun()
    {
        if (await LacksAsync(Track) || Lacks(WorkQueueFeatures.CountCrashes))
            return;
        var seen = new Inbox<string>();
        var app = CreateHost(host => host.MapChannel("payments", (Pay pay) =>
        {
            seen.Add(pay.Order);
            return Task.CompletedTask;
        }, Track));
        var id = MessageId.New(Clock);
        var envelope = new Envelope(new Message("pay", """{"order":"killer"}"""u8.ToArray())) { Id = id, Channel = "payments", SentAt = Clock.GetUtcNow(), Crashes = 3 };
        await app.Services.GetRequiredService<IWorkQueue>().EnqueueAsync("payments", [envelope, envelope with { Id = MessageId.New(Clock), Crashes = 2 }], EnqueueOptions.Default);

        await app.StartAsync();
        var dead = await DeadLetterAsync(app, "payments");

        Assert.Equal((id, DeadLetterReason.WorkerDied), (dead.Envelope.Id, dead.Reason));
        Assert.Equal(JobState.Dead, (await app.Jobs.FindAsync(id))!.State);
        Assert.Equal("killer", await seen.NextAsync()); // the other one, which may try once more
        Assert.Equal(0, seen.Count);
    }

    [Theory]
    [InlineData("unheard-of", """{"order":"1"}""", DeadLetterReason.UnknownType, "No consumer of channel 'payments' handles messages of type 'unheard-of' here; it has consumers for: pay, refund.")]
    [InlineData("pay", "{", DeadLetterReason.Unreadable, "The message on channel 'payments' cannot be read as Pay")]
    [InlineData("pay", "null", DeadLetterReason.Unreadable, "The message on channel 'payments' cannot be read as Pay")]
    [InlineData("pay", "{}", DeadLetterReason.Unreadable, "'order'")]
    [InlineData("pay", """{"order":null}""", DeadLetterReason.Unreadable, "'Order'")]
    [InlineData("refund", """{"cent":1}""", DeadLetterReason.Unreadable, "'cents'")]
    [InlineData("refund", """{"order":"1","cents":-1}""", DeadLetterReason.Unreadable, "A refund is more than nothing.")]
    public async Task A_message_that_nobody_can_read_is_put_aside_and_the_next_is_handled(string type, string body, DeadLetterReason reason, string error)
    {
        var seen = new Inbox<string>();
        var app = await StartAsync(host =>
        {
            host.MapChannel("payments", (Pay pay) =>
            {
                seen.Add(pay.Order);
                return Task.CompletedTask;
            }, options =>
            {
                RetryAtOnce(options);
                options.Concurrency = 1;
            });
            host.MapChannel("payments", (CheckedRefund _) => Task.CompletedTask);
        });

        await app.Channels.SendAsync("payments", new Message(type, Encoding.UTF8.GetBytes(body)));
        await app.Channels.SendAsync("payments", new Pay("next"));
        var dead = await DeadLetterAsync(app, "payments");

        Assert.Equal(reason, dead.Reason);
        Assert.Contains(error, dead.Error, StringComparison.Ordinal);
        Assert.Equal(reason == DeadLetterReason.UnknownType ? 3 : 1, dead.Envelope.Attempt);
        Assert.Equal("next", await seen.NextAsync());
    }

    [Fact]
    public async Task What_a_message_may_leave_out_is_not_missed()
    {
        var seen = new Inbox<Order>();
        var app = await StartAsync(host => host.MapChannel("orders", seen.Add));

        await app.Channels.SendAsync("orders", new Message("orders", """{"id":"1"}"""u8.ToArray()));

        Assert.Equal(new Order("1", null, 7), await seen.NextAsync());
    }

    private sealed record Order(string Id, string? Note, int Count = 7);

    [MessageType("refund")]
    private sealed record CheckedRefund
    {
        public required int Cents
        {
            get;
            init => field = value > 0 ? value : throw new ArgumentException("A refund is more than nothing.");
        }
    }
}
