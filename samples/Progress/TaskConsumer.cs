using Runnel.Workers;

namespace Progress;

/// <summary>Works through a task's steps. When its worker dies in the middle, another begins anew.</summary>
internal sealed class TaskConsumer(TimeProvider clock) : ChannelConsumer<SteppedTask>
{
    public override async Task OnMessageAsync(SteppedTask message, JobContext job, CancellationToken cancellationToken)
    {
        await job.ReportAsync(0, "Starting");
        for (var step = 1; step <= message.Steps; step++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(message.StepMilliseconds), clock, cancellationToken);
            if (step == message.FailAtStep)
                throw new InvalidOperationException($"Step {step} went wrong, as it was asked to.");
            await job.ReportAsync((double)step / message.Steps, $"Step {step} of {message.Steps}");
        }
    }
}
