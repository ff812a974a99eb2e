using System.Globalization;

namespace Runnel.Bench;

/// <summary>A table of one process beside a gateway and its worker. Ratios are taken within a round, goals are compared with medians.</summary>
internal sealed class SideBySide<TRound>(IReadOnlyList<TRound> one, IReadOnlyList<TRound> split)
{
    private const string RatioFormat = "F2";

    public MarkdownTable Table { get; } = new("what", "one process", "gateway and worker", "ratio", "goal", "met");

    /// <summary>A row without a goal.</summary>
    public SideBySide<TRound> Add(string what, Func<TRound, double> figure, string format) => Row(what, figure, format, "", "");

    /// <summary>A row whose goal is a figure of the gateway and its worker.</summary>
    public SideBySide<TRound> AddAtMost(double goal, string what, Func<TRound, double> figure, string format) =>
        Row(what, figure, format, $"≤ {Shown(goal)}", Met(Spread.Of(split.Select(figure)), goal));

    /// <summary>A row whose goal is how many times as much the gateway and its worker may need.</summary>
    public SideBySide<TRound> AddAtMostTimes(double goal, string what, Func<TRound, double> figure, string format) =>
        Row(what, figure, format, $"≤ {Shown(goal)} ×", Met(RatioOf(figure), goal));

    /// <summary>A row for what one process does not have.</summary>
    public SideBySide<TRound> AddOfSplit(string what, Func<TRound, double> figure, string format, double? goal = null)
    {
        var spread = Spread.Of(split.Select(figure));
        Table.Add(what, "", spread.ToString(format), "", goal is { } most ? $"≤ {Shown(most)}" : "", goal is { } bound ? Met(spread, bound) : "");
        return this;
    }

    private SideBySide<TRound> Row(string what, Func<TRound, double> figure, string format, string goal, string met)
    {
        Table.Add(what, Spread.Of(one.Select(figure)).ToString(format), Spread.Of(split.Select(figure)).ToString(format), RatioOf(figure).ToString(RatioFormat), goal, met);
        return this;
    }

    private Spread RatioOf(Func<TRound, double> figure) => Spread.Of(one.Zip(split, (one, split) => figure(split) / figure(one)));

    private static string Met(Spread spread, double goal) => spread.Median <= goal ? "yes" : "no";

    private static string Shown(double goal) => goal.ToString("0.##", CultureInfo.InvariantCulture);
}
