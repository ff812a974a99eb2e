using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Workers;

public class TraceTests
{
    [Fact]
    public async Task A_job_is_part_of_the_trace_in_which_its_message_was_sent()
    {
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is RunnelTelemetry.Name or nameof(TraceTests),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(listener);
        using var source = new ActivitySource(nameof(TraceTests));
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddRunnelCore().AddRunnelWorkers();
        using var host = builder.Build();
        var traceOfJob = new TaskCompletionSource<ActivityTraceId>();
        host.MapChannel("traced", (string _) =>
        {
            traceOfJob.SetResult(Activity.Current?.TraceId ?? default);
            return Task.CompletedTask;
        });
        await host.StartAsync();

        using var sending = source.StartActivity("sending");
        await host.Services.GetRequiredService<IChannels>().SendAsync("traced", "x");

        Assert.Equal(sending!.TraceId, await Wait.For(traceOfJob.Task, "the job"));
        await host.StopAsync();
    }
}
