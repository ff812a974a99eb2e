using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace Runnel.Bench;

/// <summary>The child that holds the clients: <c>recovery-clients</c>.</summary>
internal sealed class RecoveryClients
{
    private const int AtOnce = 100; // a calm beginning: a storm is measured on its own
    private const int SmallBuffer = 4096;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(5);

    private readonly ClientLoop _loop = new();

    public static Command CreateCommand()
    {
        var command = new Command("recovery-clients", "Started by recovery.") { Hidden = true };
        command.SetAction(async (_, cancellationToken) =>
        {
            var clients = new RecoveryClients();
            clients._loop.Start();
            await ControlLoop.RunAsync(clients.AnswerAsync, cancellationToken);
        });
        return command;
    }

    private async Task<object> AnswerAsync(string verb, string[] words)
    {
        switch (verb)
        {
            case "open":
                await OpenAsync(new RecoveringGroup(words[0], Number(words[1])), Number(words[2]), Number(words[3]), Number(words[4]), [.. words[5..].Select(Number)]);
                return true;
            case "close":
                return _loop.With(clients => Close(clients));
            case "cut":
                return ForEach(words, client => client.Cut(Milliseconds(words[2])));
            case "stall":
                return ForEach(words, client => client.Stall(Milliseconds(words[2])));
            case "come-back":
                return ForEach(words, client =>
                {
                    client.Move(Number(words[2]));
                    client.ComeBack();
                });
            case "newest":
                return _loop.With(clients => clients[0].Group.Newest = long.Parse(words[0], CultureInfo.InvariantCulture));
            case "expect":
                return _loop.With(_ =>
                {
                    _loop.Returns = new Returns { Began = long.Parse(words[0], CultureInfo.InvariantCulture) };
                    return true;
                });
            case "returns":
                await WaitAsync(() => _loop.With(_ => _loop.Returns.CaughtUp) >= Number(words[0]), TimeSpan.FromSeconds(Number(words[1])));
                return _loop.With(_ => _loop.Returns.Figures());
            case "messages":
                await WaitAsync(() => Messages() >= Number(words[0]), LongestWait);
                return Messages();
            case "audit":
                return await AuditAsync(words[0], TimeSpan.FromSeconds(Number(words[1])));
            case "figures":
                return ServerFigures.Now();
            default:
                throw new ArgumentException($"The clients do not know '{verb}'.");
        }
    }

    /// <summary>Connects clients, in turn to each of the first nodes, some of them with hardly a buffer, and waits until they have joined.</summary>
    private async Task OpenAsync(RecoveringGroup group, int count, int withSmallBuffer, int nodes, int[] ports)
    {
        for (var opened = 0; opened < count; opened += AtOnce)
        {
            var (first, next) = (opened, Math.Min(opened + AtOnce, count));
            _loop.With(clients =>
            {
                for (var i = first; i < next; i++)
                {
                    clients.Add(new RecoveringClient(_loop, clients.Count, group, ports, i % nodes, i < withSmallBuffer ? SmallBuffer : 0));
                    clients[^1].Connect();
                }
                return true;
            });
            await WaitAsync(() => _loop.With(clients => clients.All(client => client.IsJoined)), LongestWait);
        }
    }

    private static bool Close(List<RecoveringClient> clients)
    {
        foreach (var client in clients)
            client.Cut(Timeout.InfiniteTimeSpan);
        clients.Clear();
        return true;
    }

    private bool ForEach(string[] words, Action<RecoveringClient> act) => _loop.With(clients =>
    {
        clients.Skip(Number(words[0])).Take(Number(words[1])).ToList().ForEach(act);
        return true;
    });

    private long Messages() => _loop.With(clients => clients.Select(client => client.Group).Distinct().Sum(group => group.Messages));

    // Until all have everything that was confirmed, or are told of what they lack; at most for so long.
    private async Task<RecoveryAudit> AuditAsync(string folder, TimeSpan patience)
    {
        var confirmed = ChaosFiles.ReadConfirmed(folder);
        await WaitAsync(() => _loop.With(clients => clients.All(client => confirmed.All(client.IsDoneWith))), patience);
        return _loop.With(clients => RecoveryAudit.Of(confirmed, clients));
    }

    // The figures say whether it came about.
    private static async Task WaitAsync(Func<bool> condition, TimeSpan patience)
    {
        for (var began = Stopwatch.GetTimestamp(); !condition() && Stopwatch.GetElapsedTime(began) < patience;)
            await Task.Delay(Glance, TimeProvider.System, CancellationToken.None);
    }

    private static TimeSpan Milliseconds(string word) => Number(word) is >= 0 and var time ? TimeSpan.FromMilliseconds(time) : Timeout.InfiniteTimeSpan;

    private static int Number(string word) => int.Parse(word, CultureInfo.InvariantCulture);
}
