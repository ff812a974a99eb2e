using System.Text.RegularExpressions;
using Runnel.Tests.House;
using Runnel.Tests.Servers;

namespace Runnel.Tests.RabbitMQ;

/// <summary>The names that docs/guide/rabbitmq.md lists, and what is what: all that the layer may have on a broker.</summary>
internal sealed partial class GuideNames
{
    private const string Guide = "docs/guide/rabbitmq.md";

    private readonly List<(Regex Name, string Written, string Kind)> _rows;

    public GuideNames(string prefix) => _rows = [.. File.ReadLines(Repository.PathTo(Guide)).Select(line => Row().Match(line)).Where(row => row.Success).Select(row => RowOf(row, prefix))];

    /// <summary>What the guide lists, as it writes it.</summary>
    public IEnumerable<string> Written => _rows.Select(row => row.Written);

    /// <summary>The row that a queue is of; <see langword="null"/> when there is none, or the queue is of another kind.</summary>
    public string? RowOf(RabbitQueueState queue)
    {
        var kind = queue switch { { Exclusive: true } => "exclusive queue", { Type: "stream" } => "stream", { Type: "quorum", Durable: true } => "quorum queue", _ => "?" };
        return RowOf(queue.Name, kind);
    }

    /// <summary>The row that an exchange is of.</summary>
    public string? RowOf(RabbitExchangeState exchange) => RowOf(exchange.Name, $"{exchange.Type} exchange");

    private string? RowOf(string name, string kind) => _rows.Where(row => row.Name.IsMatch(name) && row.Kind.StartsWith(kind, StringComparison.Ordinal)).Select(row => row.Written).SingleOrDefault();

    private static (Regex, string, string) RowOf(Match row, string prefix)
    {
        var pattern = Placeholder().Replace(Regex.Escape(row.Groups["name"].Value), placeholder => placeholder.Value switch
        {
            "P" => Regex.Escape(prefix),
            "N" or "MILLISECONDS" => "[0-9]+",
            _ => "[^:]+",
        });
        return (new Regex($@"\A{pattern}\z"), row.Groups["name"].Value, row.Groups["kind"].Value);
    }

    // | `P.q:CHANNEL` | quorum queue | …
    [GeneratedRegex(@"^\| `(?<name>P\.[^`]+)` \| (?<kind>[^|]+) \|")]
    private static partial Regex Row();

    [GeneratedRegex("P(?=\\\\)|N|CHANNEL|MILLISECONDS|…")]
    private static partial Regex Placeholder();
}
