using System.Text.Json;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Runnel.Workers.Jobs;
using Runnel.Workers.Running;
using Xunit;

namespace Runnel.Tests.Workers;

public sealed class RunningJobsTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly RunningJobs _running;

    public RunningJobsTests() => _running = new(_clock);

    [Fact]
    public void Each_of_many_jobs_is_found_until_it_is_over()
    {
        var jobs = Enumerable.Range(0, 100).Select(_ => JobOf(MessageId.New(_clock))).ToList();
        jobs.ForEach(_running.Add);
        jobs.Take(50).ToList().ForEach(_running.Remove);

        jobs.ForEach(job => _running.Cancel(job.Id));

        Assert.Equal(50, _running.Count);
        Assert.Equal(jobs.Skip(50), jobs.Where(job => job.IsCancelRequested));
    }

    [Fact]
    public void A_job_that_was_handed_out_again_is_found_when_its_first_run_is_over()
    {
        var id = MessageId.New(_clock);
        var (zombie, again) = (JobOf(id), JobOf(id));
        _running.Add(zombie);
        _running.Add(again);

        _running.Remove(zombie);
        _running.Cancel(id);

        Assert.Equal((1, false, true), (_running.Count, zombie.IsCancelRequested, again.IsCancelRequested));
    }

    [Fact]
    public void A_job_that_is_to_be_cancelled_before_its_worker_knows_it_is_cancelled_when_it_does_within_ten_seconds()
    {
        var (soon, late) = (JobOf(MessageId.New(_clock)), JobOf(MessageId.New(_clock)));
        _running.Cancel(late.Id);
        _clock.Advance(TimeSpan.FromSeconds(1));
        _running.Cancel(soon.Id);
        _clock.Advance(TimeSpan.FromSeconds(9.5));

        _running.Add(soon);
        _running.Add(late);

        Assert.Equal((true, false), (soon.IsCancelRequested, late.IsCancelRequested));
    }

    [Fact]
    public void No_more_than_the_latest_thousand_requests_are_remembered()
    {
        var jobs = Enumerable.Range(0, 1001).Select(_ => JobOf(MessageId.New(_clock))).ToList();
        jobs.ForEach(job => _running.Cancel(job.Id));

        jobs.ForEach(_running.Add);

        Assert.Equal(jobs.Skip(1), jobs.Where(job => job.IsCancelRequested));
    }

    [Fact]
    public void A_request_to_cancel_a_job_that_is_just_over_does_no_harm()
    {
        var job = JobOf(MessageId.New(_clock));
        var token = job.CancellationToken;
        job.End();

        job.Cancel(timedOut: false);

        Assert.False(token.IsCancellationRequested);
    }

    [Fact]
    public void A_consumer_that_asks_for_its_token_when_its_job_is_cancelled_already_finds_it_cancelled()
    {
        var job = JobOf(MessageId.New(_clock));

        job.Cancel(timedOut: false);

        Assert.True(job.CancellationToken.IsCancellationRequested);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_token_of_a_job_is_cancelled_when_its_worker_stops_or_loses_its_lease(bool isLost)
    {
        using var end = new CancellationTokenSource();
        var job = JobOf(MessageId.New(_clock), leaseLost: isLost ? end.Token : default, stop: isLost ? default : end.Token);
        var token = job.CancellationToken;
        Assert.False(token.IsCancellationRequested);

        end.Cancel();

        Assert.True(token.IsCancellationRequested);
    }

    private static JobContext JobOf(MessageId id, CancellationToken leaseLost = default, CancellationToken stop = default) => new(
        new ReceivedMessage("payments", new Envelope(new Message("t", default)) { Id = id }, null), new JobLimits(JsonSerializerOptions.Web, JsonSerializerOptions.Web, leaseLost, stop));
}
