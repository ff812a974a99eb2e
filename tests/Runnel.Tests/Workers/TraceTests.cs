using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
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

    [Fact]
    public async Task A_trace_that_the_application_names_itself_counts_for_more_than_the_one_it_is_in()
    {
        const string Own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is RunnelTelemetry.Name or nameof(TraceTests),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(listener);
        using var source = new ActivitySource(nameof(TraceTests));
        var seen = new Inbox<string?>();
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddRunnelCore().AddRunnelWorkers();
        using var host = builder.Build();
        host.MapChannel("traced", (string _) => seen.Add(Activity.Current?.ParentId));
        await host.StartAsync();

        using var sending = source.StartActivity("sending");
        await host.Services.GetRequiredService<IChannels>().SendAsync("traced", "x", new SendOptions { Headers = new Dictionary<string, string> { ["traceparent"] = Own } });

        Assert.Equal(Own, await seen.NextAsync());
        await host.StopAsync();
    }

    [Fact]
    public async Task A_job_names_its_channel_and_its_id_in_the_trace_and_one_that_is_not_recorded_sends_no_header()
    {
        var ended = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is RunnelTelemetry.Name or nameof(TraceTests),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var source = new ActivitySource(nameof(TraceTests));
        var seen = new Inbox<IReadOnlyDictionary<string, string>>();
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddRunnelCore().AddRunnelWorkers();
        using var host = builder.Build();
        host.MapChannel("traced", (string _, JobContext job) => seen.Add(job.Headers));
        await host.StartAsync();

        using var sending = source.StartActivity("sending");
        sending!.ActivityTraceFlags = ActivityTraceFlags.None;
        var sent = await host.Services.GetRequiredService<IChannels>().SendAsync("traced", "x");

        Assert.Empty(await seen.NextAsync());
        await Wait.Until(() => ended.Any(activity => activity.GetTagItem("runnel.job.id") as string == sent.Id.ToString()), "the job's part ends");
        var activity = ended.Single(activity => activity.GetTagItem("runnel.job.id") as string == sent.Id.ToString());
        Assert.Equal(("runnel.job", ActivityKind.Consumer, "traced"), (activity.OperationName, activity.Kind, activity.GetTagItem("runnel.channel")));
        await host.StopAsync();
    }
}
