using System.CommandLine;
using System.Text;
using System.Text.Json;
using Runnel.Layers;

namespace Runnel.Cli;

/// <summary><c>runnel send</c>: puts a message on a channel.</summary>
internal static class SendCommand
{
    private const string StandardInput = "-";

    public static Command Create(SharedOptions shared)
    {
        var channel = Inputs.Channel();
        var json = new Argument<string>("JSON") { Description = "The message's body; - to read it from the standard input." };
        var delay = Inputs.Duration("--delay", "How long the message waits before it is due: 500ms, 5s, 10m, 2h, 00:00:05.");
        var type = Inputs.Text("--type", "The message's type; the channel's name by default.", "TYPE");
        var key = Inputs.Text("--key", "Messages with the same key are handled one after another.", "KEY");
        var deduplicationId = Inputs.Text("--deduplication-id", "A second message with the same one is not stored, for 10 minutes.", "ID");
        json.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: not StandardInput and var text }] && ProblemOf(text) is { } problem)
                result.AddError(problem);
        });
        var command = new Command("send", "Puts a message on a channel, and prints its id.") { channel, json, delay, type, key, deduplicationId };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            // Before the layer is opened, which may make it.
            var body = await ReadBodyAsync(parsed.GetRequiredValue(json), cancellationToken);
            var message = new Message(parsed.GetValue(type) ?? parsed.GetValue(channel).Value, body);
            var options = new SendOptions
            {
                Delay = parsed.GetValue(delay),
                Key = parsed.GetValue(key),
                DeduplicationId = parsed.GetValue(deduplicationId),
            };
            return await shared.RunAsync(parsed, run => SendAsync(run, parsed.GetValue(channel), message, options), mayCreate: true, cancellationToken);
        });
        return command;
    }

    private static async Task<byte[]> ReadBodyAsync(string json, CancellationToken cancellationToken)
    {
        var text = json == StandardInput ? await Console.In.ReadToEndAsync(cancellationToken) : json;
        return ProblemOf(text) is { } problem ? throw ToolException.Usage(problem) : Encoding.UTF8.GetBytes(text);
    }

    private static async Task SendAsync(CommandRun run, ChannelName channel, Message message, SendOptions options)
    {
        run.Layer.Declare(channel);
        var sent = await run.Layer.Channels.SendAsync(channel, message, options, run.Interrupted);

        var id = sent.IsDuplicate ? null : sent.Id.ToString();
        run.Screen.Answer(new { Id = id, Channel = channel.Value, sent.IsDuplicate }, () =>
        {
            if (id is null)
                run.Screen.Remark($"Not sent: within the last 10 minutes, channel '{channel}' has had a message with the deduplication id '{options.DeduplicationId}'.");
            else
                run.Screen.Line(id);
        });
    }

    private static string? ProblemOf(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return null;
        }
        catch (JsonException exception)
        {
            var reason = exception.Message.Split(" LineNumber:")[0]; // counted from zero, and in .NET's words
            return $"The body is not JSON: {reason} The mistake is at line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}.";
        }
    }
}
