namespace Runnel.Handover;

/// <summary>Gives a worker that has little its share: connections that can be adopted are asked back from those that have more.</summary>
internal static class OwnerBalance
{
    /// <summary>So many a second at most: each of them makes a consumer.</summary>
    public const int MostAtOnce = 100;

    private const double Little = 0.8;

    /// <summary>Asks connections back, if a worker has less than four fifths of the mean.</summary>
    /// <param name="connections">The connections of this node; not looked at while no worker has too little.</param>
    /// <param name="endpoints">The endpoints of those that can be adopted.</param>
    /// <param name="load">How many of them each worker has; not changed.</param>
    /// <param name="pick">The worker that would get another connection of an endpoint.</param>
    /// <param name="mayBeFull">Whether a worker may refuse what it gets.</param>
    public static void AskBack(
        IEnumerable<IMovable> connections, IEnumerable<string> endpoints, IReadOnlyDictionary<string, int> load, Func<string, string?> pick, Func<string, bool> mayBeFull)
    {
        Dictionary<string, Target> targets = [];
        foreach (var endpoint in endpoints)
        {
            if (pick(endpoint) is { } worker && MeanIfLittle(worker, load) is { } mean)
                targets[endpoint] = new(worker, mean, mayBeFull(worker) ? 1 : int.MaxValue);
        }
        if (targets.Count > 0)
            AskBack(connections, load, targets);
    }

    private static void AskBack(IEnumerable<IMovable> connections, IReadOnlyDictionary<string, int> load, Dictionary<string, Target> targets)
    {
        var left = MostAtOnce;
        var expected = load.ToDictionary();
        foreach (var connection in connections)
        {
            if (left == 0)
                return;
            if (connection.Worker is not { } worker || !(connection.CanMove || connection.IsAskedBack) || !targets.TryGetValue(connection.Endpoint, out var target))
                continue;
            if (!connection.IsAskedBack && (target.Room == 0 || expected.GetValueOrDefault(target.Worker) >= target.Mean || expected.GetValueOrDefault(worker) <= target.Mean))
                continue;
            left -= connection.IsAskedBack ? 0 : 1;
            target.Room = Math.Max(0, target.Room - 1);
            connection.AskBack();
            expected[worker]--;
            expected[target.Worker] = expected.GetValueOrDefault(target.Worker) + 1;
        }
    }

    private static int? MeanIfLittle(string worker, IReadOnlyDictionary<string, int> load)
    {
        var workers = load.Count + (load.ContainsKey(worker) ? 0 : 1);
        var mean = (double)load.Values.Sum() / workers;
        return load.GetValueOrDefault(worker) < Little * mean ? (int)mean : null;
    }

    // The worker that connections of an endpoint go to, and how many more of them may be on their way.
    private sealed class Target(string worker, int mean, int room)
    {
        public string Worker => worker;

        public int Mean => mean;

        public int Room { get; set; } = room;
    }
}
