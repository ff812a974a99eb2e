using System.Text.Json;
using Runnel.Cli.Sockets;

namespace Runnel.Cli.Load;

/// <summary>When a client of <c>runnel.v1</c> comes back: as the server asks, later after each failure, and not where the server wants nobody.</summary>
internal sealed class ReturnPace
{
    private const double RetryBase = 500, RetryCap = 20_000; // milliseconds, as the browser client has them

    private double _after;
    private double _within = RetryBase;
    private int _failures;

    /// <summary>The server says how to come back.</summary>
    public void Advise(JsonElement holder)
    {
        if (holder.TryGetProperty("reconnect", out var reconnect))
            (_after, _within) = (reconnect.GetProperty("after").GetDouble(), reconnect.GetProperty("within").GetDouble());
    }

    /// <summary>The client is back.</summary>
    public void Joined() => _failures = 0;

    /// <returns><see langword="null"/> if the client stays away.</returns>
    public TimeSpan? After(FaultException end, bool wasJoined)
    {
        if (StaysAway(end))
            return null;
        if (!wasJoined)
            _failures++;
        var first = _failures == 0 ? _within : Math.Max(RetryBase, _within);
        var longest = Math.Min(Math.Max(RetryCap, _within), first * Math.Pow(2, _failures));
        return TimeSpan.FromMilliseconds(_after + (Random.Shared.NextDouble() * longest));
    }

    // As the tables of docs/protocol.md say.
    private static bool StaysAway(FaultException end) => end.Kind switch
    {
        FaultKind.Protocol => true,
        FaultKind.Refused => end.Detail is not ("429" or "500" or "502" or "503" or "504"),
        FaultKind.Closed => end.Detail is "1000" or "1002" or "1003" or "1007" or "1008" || end.Detail.StartsWith("44", StringComparison.Ordinal),
        _ => false,
    };
}
