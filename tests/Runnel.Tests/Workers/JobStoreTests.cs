using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Runnel.Workers.Jobs;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What is kept of jobs, and asked about them.</summary>
public sealed class JobStoreTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly WatchedStates _states;
    private readonly JobStore _store;

    public JobStoreTests()
    {
        _states = new WatchedStates(new HistoryStateStore(new InMemoryBackplane(_clock), _clock));
        _store = new JobStore(_states);
    }

    [Fact]
    public async Task A_state_that_comes_late_does_not_take_the_place_of_a_later_one()
    {
        var late = Status(JobState.Dead);
        _clock.Advance(TimeSpan.FromSeconds(1));
        var id = IdOf(late);
        await _store.PublishAsync(id, late with { State = JobState.Succeeded, UpdatedAt = _clock.GetUtcNow() }, TimeSpan.FromDays(1));

        await _store.PublishUnlessLaterAsync(new LateState(id, late, TimeSpan.FromDays(1)), CancellationToken.None);

        Assert.Equal(JobState.Succeeded, (await _store.FindAsync(id, CancellationToken.None))?.Status.State);
    }

    [Fact]
    public async Task A_job_begins_although_nobody_can_say_whether_it_was_to_be_cancelled()
    {
        var id = MessageId.New(_clock);
        await _store.AskToCancelAsync(id, TimeSpan.FromDays(1), CancellationToken.None);
        Assert.True(await _store.IsToBeCancelledAsync(id, CancellationToken.None));

        _states.OnGet = static _ => new BackplaneUnavailableException("away");

        Assert.False(await _store.IsToBeCancelledAsync(id, CancellationToken.None));
    }

    [Fact]
    public async Task A_progress_that_is_no_number_counts_as_none_and_a_report_without_text_keeps_the_text()
    {
        var status = Status(JobState.Running);
        var job = new JobContext(
            new ReceivedMessage("payments", new Envelope(new Message("t", default)) { Id = IdOf(status) }, null), new JobLimits(JsonSerializerOptions.Web, JsonSerializerOptions.Web, default, default));
        using var progress = Follow(status);
        job.Progress = progress;

        await job.ReportAsync(0.5, "half");
        await job.ReportAsync(double.NaN);
        await progress.EndAsync(static last => last, TimeSpan.Zero, static () => true, CancellationToken.None);

        var kept = (await _store.FindAsync(IdOf(status), CancellationToken.None))?.Status;
        Assert.Equal((0.0, "half"), (kept?.Progress, kept?.Text));
    }

    [Theory]
    [InlineData(JobState.Failed, false)]
    [InlineData(JobState.Succeeded, true)]
    public async Task Only_a_final_state_that_cannot_be_published_is_told_later(JobState state, bool isLate)
    {
        _states.OnSet = static _ => new BackplaneUnavailableException("away");
        using var progress = Follow(Status(JobState.Running));

        await progress.EndAsync(last => last with { State = state }, TimeSpan.Zero, static () => true, stopping: new CancellationToken(canceled: true));

        Assert.Equal(isLate, progress.EndIsLate);
    }

    private JobProgress Follow(JobStatus status) => new(IdOf(status), status, TimeSpan.FromDays(1), receiver: null!, _store, _clock, NullLogger.Instance);

    private JobStatus Status(JobState state) =>
        new() { Id = MessageId.New(_clock).ToString(), Channel = "payments", State = state, CreatedAt = _clock.GetUtcNow(), UpdatedAt = _clock.GetUtcNow() };

    private static MessageId IdOf(JobStatus status) => MessageId.TryParse(status.Id, out var id) ? id : throw new FormatException(status.Id);
}
