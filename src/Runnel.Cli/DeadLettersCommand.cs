using System.CommandLine;
using System.Text.Json;
using Runnel.Layers;

namespace Runnel.Cli;

/// <summary><c>runnel dead-letters</c>: looks at what was put aside. Replaying and purging it is <see cref="DeadLetterSettling"/>.</summary>
internal static class DeadLettersCommand
{
    private const int DefaultLimit = 100;

    public static Command Create(SharedOptions shared) => new("dead-letters", "Lists, shows, replays and purges messages that were put aside.")
    {
        List(shared),
        Show(shared),
        DeadLetterSettling.Replay(shared),
        DeadLetterSettling.Purge(shared),
    };

    private static Command List(SharedOptions shared)
    {
        var (channel, type, reason, limit) = (Inputs.Channel(), Inputs.Text("--type", "Only messages of this type.", "TYPE"), Inputs.Reason(), Inputs.Limit(DefaultLimit));
        var command = new Command("list", "Lists dead letters of a channel, oldest first.") { channel, type, reason, limit };
        shared.Act(command, run => ListAsync(
            run,
            run.Parsed.GetValue(channel),
            new DeadLetterFilter { Type = run.Parsed.GetValue(type), Reason = run.Parsed.GetValue(reason) },
            run.Parsed.GetValue(limit)));
        return command;
    }

    private static Command Show(SharedOptions shared)
    {
        var (channel, id) = (Inputs.Channel(), Inputs.Id("The dead letter's id."));
        var command = new Command("show", "Shows one dead letter: its error, headers and body.") { channel, id };
        shared.Act(command, run => ShowAsync(run, run.Parsed.GetValue(channel), run.Parsed.GetValue(id)));
        return command;
    }

    private static async Task ListAsync(CommandRun run, ChannelName channel, DeadLetterFilter filter, int limit)
    {
        var letters = (await run.Layer.Operator.ListDeadLettersAsync(channel, filter, limit, run.Interrupted)).Select(DeadLetterDocument.Of).ToList();
        run.Screen.Answer(letters, () =>
        {
            if (letters.Count == 0)
            {
                run.Screen.Remark($"No dead letter of channel '{channel}' fits.");
                return;
            }
            run.Screen.Table(
                ["Id", "Type", "Reason", "Attempts#", "Crashes#", "Dead since", "Error"],
                letters.Select(letter => (string?[])[letter.Id, letter.Type, ToolJson.NameOf(letter.Reason), $"{letter.Attempts}", $"{letter.Crashes}", $"{letter.DeadAt:u}", FirstLineOf(letter.Error)]));
            if (letters.Count == limit)
                run.Screen.Remark($"There may be more than these {limit}: see --limit.");
        });
    }

    private static async Task ShowAsync(CommandRun run, ChannelName channel, MessageId id)
    {
        var found = await run.Layer.Operator.ListDeadLettersAsync(channel, new DeadLetterFilter { Id = id }, limit: 1, run.Interrupted);
        if (found is not [var letter])
            throw new ToolException($"Channel '{channel}' has no dead letter {id}.");

        var summary = DeadLetterDocument.Of(letter);
        var message = letter.Envelope.Message;
        var body = ToolJson.TryRead(message.Body);
        var base64 = body is null ? Convert.ToBase64String(message.Body.Span) : null;
        run.Screen.Answer(
            new
            {
                summary.Id, summary.Channel, summary.Type, summary.Reason, summary.Error, summary.Attempts, summary.Crashes, summary.Key, summary.SentAt, summary.DeadAt,
                message.Headers, Body = body, BodyBase64 = base64,
            },
            () =>
            {
                run.Screen.Details(
                [
                    ("id", summary.Id), ("channel", summary.Channel), ("type", summary.Type), ("reason", ToolJson.NameOf(summary.Reason)),
                    ("attempts", $"{summary.Attempts}"), ("crashes", $"{summary.Crashes}"), ("key", summary.Key), ("sent", $"{summary.SentAt:u}"), ("dead since", $"{summary.DeadAt:u}"),
                    .. message.Headers.Select(header => ($"header {header.Key}", (string?)header.Value)),
                    ("error", summary.Error),
                ]);
                run.Screen.Line("");
                run.Screen.Line(body is { } json ? JsonSerializer.Serialize(json, ToolJson.Document) : $"The body is not JSON. In base64: {base64}");
            });
    }

    private static string? FirstLineOf(string? error) => error?.Split('\n')[0];
}
