using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Runnel.Layers;
using Runnel.Workers;

namespace Runnel.AspNetCore;

/// <summary>Says how full the channels are, in the text that Prometheus reads (ADR 12).</summary>
internal static class ChannelDepths
{
    private const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Asks the layer. A channel that this application consumes is shown even if it is empty, so that whoever scales by it always finds it.</summary>
    public static async Task<IResult> AnswerAsync(IWorkQueueOperator layer, IWorkQueue queue, ChannelRegistry registry, TimeProvider clock, CancellationToken cancellationToken)
    {
        try
        {
            var listed = await layer.ListChannelsAsync(cancellationToken);
            var empty = registry.Names.Except(listed.Select(status => status.Channel)).Select(static name => new ChannelStatus(name, 0, 0, 0, 0, 0, null));
            var channels = listed.Concat(empty).OrderBy(static status => status.Channel.Value, StringComparer.Ordinal);
            return TypedResults.Text(TextOf([.. channels], queue.Features.HasFlag(WorkQueueFeatures.FullStatus), clock.GetUtcNow()), ContentType);
        }
        catch (Exception exception) when (exception is BackplaneUnavailableException or IOException)
        {
            return TypedResults.Problem(exception.Message, statusCode: StatusCodes.Status503ServiceUnavailable, title: "The layer is away");
        }
    }

    private static string TextOf(IReadOnlyList<ChannelStatus> channels, bool isFull, DateTimeOffset now)
    {
        var text = new StringBuilder();
        Describe("runnel_channel_messages", "Messages of a channel: ready for a worker, scheduled for later, blocked behind another of their key, in workers' hands (in_flight), and dead letters.");
        foreach (var status in channels)
        {
            Messages(status, "ready", status.Ready);
            if (isFull)
            {
                Messages(status, "scheduled", status.Scheduled);
                Messages(status, "blocked", status.Blocked);
                Messages(status, "in_flight", status.InFlight);
            }
            Messages(status, "dead", status.Dead);
        }
        if (!isFull)
            return text.ToString();
        Describe("runnel_channel_oldest_ready_seconds", "How long ago the oldest ready message of a channel was sent; 0 if none is ready.");
        foreach (var status in channels)
        {
            var age = status.OldestReady is { } sent ? Math.Max(0, (now - sent).TotalSeconds) : 0;
            text.Append(CultureInfo.InvariantCulture, $"runnel_channel_oldest_ready_seconds{{channel=\"{status.Channel}\"}} {age:0.###}\n");
        }
        return text.ToString();

        void Describe(string name, string help) => text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} gauge\n");

        // The names of channels hold no character that would have to be escaped.
        void Messages(ChannelStatus status, string state, long count) =>
            text.Append(CultureInfo.InvariantCulture, $"runnel_channel_messages{{channel=\"{status.Channel}\",state=\"{state}\"}} {count}\n");
    }
}
