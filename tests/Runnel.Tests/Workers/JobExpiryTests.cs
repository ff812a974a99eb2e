using Runnel.Workers;
using Runnel.Workers.Jobs;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What is said of a job that has expired.</summary>
public sealed class JobExpiryTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(JobState.Scheduled, true)]
    [InlineData(JobState.Queued, true)]
    [InlineData(JobState.Failed, true)]
    [InlineData(JobState.Running, false)]
    [InlineData(JobState.Succeeded, false)]
    [InlineData(JobState.Dead, false)]
    [InlineData(JobState.Cancelled, false)]
    public void That_a_job_which_waits_has_expired_is_certain_five_seconds_later(JobState state, bool expires)
    {
        var status = new JobStatus { Id = "1", Channel = "payments", State = state, CreatedAt = Noon, UpdatedAt = Noon, ExpiresAt = Noon.AddHours(1) };

        Assert.Equal(expires ? Noon.AddHours(1).AddSeconds(5) : null, JobExpiry.CertainAt(status));
        Assert.Null(JobExpiry.CertainAt(status with { ExpiresAt = null }));
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(1, 1)]
    public void It_ended_when_it_expired_but_not_before_what_was_told_of_it(int toldAt, int endedAt)
    {
        var told = new JobStatus
        {
            Id = "1",
            Channel = "payments",
            State = JobState.Failed,
            CreatedAt = Noon.AddHours(-2),
            UpdatedAt = Noon.AddHours(toldAt),
            ExpiresAt = Noon,
        };

        var expired = JobExpiry.Expired(told);

        Assert.Equal((JobState.Dead, Noon.AddHours(endedAt)), (expired.State, expired.UpdatedAt));
    }
}
