using System.Globalization;
using Runnel.Cli.Load;

namespace Runnel.Cli;

/// <summary>Shows how a load test goes, and what came of it.</summary>
internal sealed class LoadReport(Screen screen)
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(5);

    private (TimeSpan From, string Phase) _nextLine = (TimeSpan.Zero, "");

    /// <summary>On a terminal a line that changes, elsewhere a line every few seconds, and at each new phase.</summary>
    public void Progress(LoadProgress progress)
    {
        if (!screen.IsWatched && progress.Elapsed < _nextLine.From && progress.Phase == _nextLine.Phase)
            return;
        _nextLine = (progress.Elapsed + LineEvery, progress.Phase);
        var messages = progress.Sent == 0 ? "" : Text($"  sent {progress.Sent:N0}  arrived {progress.Arrived:N0}  p50 {progress.Latency.P50:N1} ms  p99 {progress.Latency.P99:N1} ms");
        screen.Status(Text($"{progress.Elapsed.TotalSeconds,4:N0} s  {progress.Phase}  open {progress.Open:N0}/{progress.Connections:N0}{messages}  errors {progress.Faults:N0}"));
    }

    /// <summary>Writes the summary.</summary>
    public void Answer(LoadSummary summary)
    {
        screen.Status("");
        screen.Answer(summary, () => Show(summary));
    }

    private void Show(LoadSummary summary)
    {
        var (connections, sent, received) = (summary.Connections, summary.Sent, summary.Received);
        screen.Details(
        [
            ("url", summary.Url),
            ("connections", Text($"{connections.Opened:N0} of {connections.Wanted:N0} opened, {connections.Held:N0} held to the end{(connections.Returns > 0 ? Text($", {connections.Returns:N0} times one came back") : "")}")),
            ("connecting", Latency(summary.Connecting)),
            ("sent", sent.Messages == 0 ? null : Text($"{sent.Messages:N0} messages in {summary.Seconds:N1} s, {sent.PerSecond:N1} a second confirmed")),
            ("arrived", sent.Messages == 0 ? null : Text($"{received.Deliveries:N0} deliveries, {received.DeliveriesPerSecond:N1} a second")),
            ("latency", sent.Messages == 0 ? null : Latency(summary.Latency)),
            ("received", Text($"{received.Messages:N0} messages of any kind, {received.Bytes:N0} bytes")),
        ]);
        foreach (var error in summary.Errors)
            screen.Line(Text($"error        {error.Count:N0} × {ToolJson.NameOf(error.Kind)}{(error.Detail.Length > 0 ? $" {error.Detail}" : "")}: {error.Example}"));
        foreach (var example in summary.Verdict.Examples)
            screen.Line($"example      {example}");
        if (summary.Verdict.MoreExamples > 0)
            screen.Line(Text($"example      and {summary.Verdict.MoreExamples:N0} more"));
        screen.Line("");
        if (summary.IsInterrupted)
            screen.Line("Interrupted: what was on its way is not judged.");
        screen.Line(summary.Verdict.IsGood ? Praise(summary) : $"Not good: {string.Join(' ', summary.Verdict.Reasons)}");
    }

    private static string Praise(LoadSummary summary) => summary.Sent.Messages == 0
        ? "Good: every connection was held."
        : Text($"Good: {summary.Verdict.Due:N0} deliveries were due, and each arrived once and in order.");

    private static string Latency(LatencyFigures figures) => figures.Count == 0
        ? "nothing to measure"
        : Text($"p50 {figures.P50:N1} ms  p90 {figures.P90:N1} ms  p99 {figures.P99:N1} ms  p99.9 {figures.P999:N1} ms  max {figures.Max:N1} ms");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
