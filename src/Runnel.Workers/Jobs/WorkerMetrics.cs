using System.Diagnostics;
using System.Diagnostics.Metrics;
using Runnel.Layers;

namespace Runnel.Workers.Jobs;

/// <summary>What is counted of work. The names are in <see cref="RunnelTelemetry"/>.</summary>
internal static class WorkerMetrics
{
    private static readonly Counter<long> Handled =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.JobsHandled, description: "Messages that workers were done with, by channel and outcome.");

    private static readonly Counter<long> StatesLost =
        RunnelTelemetry.Meter.CreateCounter<long>(RunnelTelemetry.JobStatesLost, description: "Final states of jobs that could not be published.");

    private static readonly Histogram<double> Duration =
        RunnelTelemetry.Meter.CreateHistogram<double>(RunnelTelemetry.JobDuration, "s", "How long handlers ran, by channel.");

    /// <summary>Whether anybody wants to know how long handlers run.</summary>
    public static bool TimesJobs => Duration.Enabled;

    public static void StateLost() => StatesLost.Add(1);

    public static void JobHandled(ChannelName channel, string outcome)
    {
        if (Handled.Enabled)
            Handled.Add(1, new TagList { { "channel", channel.Value }, { "outcome", outcome } });
    }

    public static void JobRan(ChannelName channel, TimeSpan duration) =>
        Duration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("channel", channel.Value));
}
