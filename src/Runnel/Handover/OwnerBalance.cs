namespace Runnel.Handover;

/// <summary>Gives a worker that has little its share: connections that can be adopted are asked back from those that have more.</summary>
internal static class OwnerBalance
{
    /// <summary>So many a second at most: each of them makes a consumer.</summary>
    public const int MostAtOnce = 100;

    private const double Little = 0.8;

    /// <summary>Asks connections back, if a worker has less than four fifths of the mean.</summary>
    /// <param name="connections">The connections of this node.</param>
    /// <param name="load">How many of them each worker has; not changed.</param>
    /// <param name="pick">The worker that would get another connection of an endpoint.</param>
    public static void AskBack(IEnumerable<IMovable> connections, IReadOnlyDictionary<string, int> load, Func<string, string?> pick)
    {
        if (load.Count == 0)
            return;
        var left = MostAtOnce;
        var expected = load.ToDictionary();
        Dictionary<string, (string? Worker, int Mean)> targets = [];
        foreach (var connection in connections)
        {
            if (left == 0)
                return;
            if (connection.Worker is not { } worker || !(connection.CanMove || connection.IsAskedBack))
                continue;
            if (!targets.TryGetValue(connection.Endpoint, out var target))
                targets[connection.Endpoint] = target = Find(pick(connection.Endpoint), load);
            if (target.Worker is not { } idle)
                continue;
            if (!connection.IsAskedBack && (expected.GetValueOrDefault(idle) >= target.Mean || expected.GetValueOrDefault(worker) <= target.Mean))
                continue;
            left -= connection.IsAskedBack ? 0 : 1;
            connection.AskBack();
            expected[worker]--;
            expected[idle] = expected.GetValueOrDefault(idle) + 1;
        }
    }

    private static (string? Worker, int Mean) Find(string? idle, IReadOnlyDictionary<string, int> load)
    {
        if (idle is null)
            return default;
        var workers = load.Count + (load.ContainsKey(idle) ? 0 : 1);
        var mean = (double)load.Values.Sum() / workers;
        return load.GetValueOrDefault(idle) < Little * mean ? (idle, (int)mean) : default;
    }
}
