using System.CommandLine;
using Runnel.Layers;

namespace Runnel.Cli;

/// <summary><c>runnel dead-letters replay</c> and <c>purge</c>: what is meant has to be said, and on a terminal confirmed.</summary>
internal static class DeadLetterSettling
{
    private const int MostCounted = 10_000;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);

    private delegate ValueTask<int> Settle(IWorkQueueOperator queue, ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken);

    public static Command Replay(SharedOptions shared) => Create(
        shared, "replay", "Replayed", "Puts dead letters back on their channel, as if they had never been tried; they no longer expire.",
        (queue, channel, filter, cancellationToken) => queue.ReplayAsync(channel, filter, cancellationToken));

    public static Command Purge(SharedOptions shared) => Create(
        shared, "purge", "Purged", "Deletes dead letters for good.",
        (queue, channel, filter, cancellationToken) => queue.PurgeAsync(channel, filter, cancellationToken));

    private static Command Create(SharedOptions shared, string verb, string done, string description, Settle settle)
    {
        var (channel, id) = (Inputs.Channel(), Inputs.OptionalId("The one dead letter that is meant."));
        var all = new Option<bool>("--all") { Description = "All dead letters of the channel." };
        var (type, reason) = (Inputs.Text("--type", "Those of this type.", "TYPE"), Inputs.Reason());
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask first." };
        var command = new Command(verb, description) { channel, id, all, type, reason, yes };
        command.Validators.Add(result =>
        {
            bool[] said = [result.GetResult(id) is { Tokens.Count: > 0 }, result.GetValue(all), result.GetResult(type) is not null || result.GetResult(reason) is not null];
            if (said.Count(one => one) != 1)
                result.AddError($"Say what to {verb}: an ID, or --all, or those that fit --type and --reason.");
        });
        shared.Act(command, async run =>
        {
            var (from, one) = (run.Parsed.GetValue(channel), run.Parsed.GetValue(id));
            var filter = new DeadLetterFilter { Id = one, Type = run.Parsed.GetValue(type), Reason = run.Parsed.GetValue(reason) };
            if (!run.Parsed.GetValue(yes) && run.Screen.CanAsk)
                await ConfirmAsync(run, verb, from, filter);

            var count = await (one is null && run.Screen.IsWatched ? WithBarAsync(run, verb, from, filter, settle) : settle(run.Layer.Operator, from, filter, run.Interrupted).AsTask());
            if (count == 0 && one is not null)
                throw new ToolException($"Channel '{from}' has no dead letter {one}.");
            run.Screen.Answer(
                new Dictionary<string, object> { ["channel"] = from.Value, ["count"] = count },
                () => run.Screen.Line($"{done} {Letters(count)} of channel '{from}'."));
        });
        return command;
    }

    private static async Task ConfirmAsync(CommandRun run, string verb, ChannelName channel, DeadLetterFilter filter)
    {
        var count = (await run.Layer.Operator.ListDeadLettersAsync(channel, filter, MostCounted, run.Interrupted)).Count;
        var letters = count == MostCounted ? $"{count} dead letters or more" : Letters(count);
        if (count > 0 && !await run.Screen.ConfirmAsync($"{char.ToUpperInvariant(verb[0])}{verb[1..]} {letters} of channel '{channel}'?", run.Interrupted))
            throw new ToolException("Nothing was done.");
    }

    // The layer does it in one go; how far it is can be seen from how many are left.
    private static Task<int> WithBarAsync(CommandRun run, string verb, ChannelName channel, DeadLetterFilter filter, Settle settle) =>
        run.Screen.WithBarAsync($"{verb} dead letters of '{channel}'", async report =>
        {
            var before = await CountAsync(run, channel);
            var settling = settle(run.Layer.Operator, channel, filter, run.Interrupted).AsTask();
            while (await Task.WhenAny(settling, Task.Delay(LookEvery, TimeProvider.System)) != settling)
            {
                var left = await CountAsync(run, channel);
                report(left < before ? 1 - (double)left / before : null, null);
            }
            return await settling;
        });

    private static async Task<long> CountAsync(CommandRun run, ChannelName channel) =>
        (await run.Layer.Operator.ListChannelsAsync(run.Interrupted)).FirstOrDefault(status => status.Channel == channel.QueueName)?.Dead ?? 0;

    private static string Letters(int count) => count == 1 ? "1 dead letter" : $"{count} dead letters";
}
