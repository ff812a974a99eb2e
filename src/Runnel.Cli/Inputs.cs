using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Runnel.Layers;

namespace Runnel.Cli;

/// <summary>Arguments and options that are read into what they mean; of what cannot be, a sentence says so.</summary>
internal static class Inputs
{
    public static Argument<ChannelName> Channel() => new("CHANNEL") { Description = "The channel's name.", CustomParser = result => Read(result, text => new ChannelName(text)) };

    public static Option<ChannelName?> ChannelOption(string description) =>
        new("--channel") { Description = description, HelpName = "CHANNEL", CustomParser = result => Read<ChannelName?>(result, text => new ChannelName(text)) };

    public static Argument<MessageId> Id(string description) => new("ID") { Description = description, CustomParser = result => Read(result, IdOf) };

    public static Argument<MessageId?> OptionalId(string description) =>
        new("ID") { Description = description, Arity = ArgumentArity.ZeroOrOne, CustomParser = result => Read<MessageId?>(result, text => IdOf(text)) };

    public static Option<string?> Text(string name, string description, string helpName) => new(name) { Description = description, HelpName = helpName };

    public static Option<TimeSpan> Duration(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "DURATION",
        CustomParser = result => Read(result, Cli.Duration.Parse),
    };

    public static Option<TimeSpan> DurationOr(string name, string description, TimeSpan fallback)
    {
        var option = Duration(name, description);
        option.DefaultValueFactory = _ => fallback;
        return option;
    }

    public static Option<T> Parsed<T>(string name, string description, string helpName, Func<string, T> parse) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = result => Read(result, parse)!,
    };

    public static Option<int> Count(string name, string description, int least, int most) => Parsed(name, description, "N", text =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= least && count <= most
            ? count
            : throw new FormatException($"{name} takes a number from {least} to {most}, not '{text}'."));

    public static Option<DeadLetterReason?> Reason() => new("--reason")
    {
        Description = $"Only those put aside for this reason: {string.Join(", ", Enum.GetValues<DeadLetterReason>().Select(ToolJson.NameOf))}.",
        HelpName = "REASON",
        CustomParser = result => Read<DeadLetterReason?>(result, text => ReasonOf(text)),
    };

    public static Option<int> Limit(int most) => new("--limit")
    {
        Description = $"The most to list; {most} by default.",
        HelpName = "N",
        DefaultValueFactory = _ => most,
        CustomParser = result => Read(result, text => int.TryParse(text, out var limit) && limit > 0
            ? limit
            : throw new FormatException($"--limit takes a number from 1 on, not '{text}'.")),
    };

    private static T? Read<T>(ArgumentResult result, Func<string, T> read)
    {
        if (result.Tokens is not [{ Value: var text }])
            return default;
        try
        {
            return read(text);
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            result.AddError(ToolException.SentenceOf(exception));
            return default;
        }
    }

    private static MessageId IdOf(string text) => MessageId.TryParse(text, out var id)
        ? id
        : throw new FormatException($"'{text}' is not an id: an id has 32 hexadecimal digits.");

    private static DeadLetterReason ReasonOf(string text)
    {
        foreach (var reason in Enum.GetValues<DeadLetterReason>())
        {
            if (string.Equals(reason.ToString(), text, StringComparison.OrdinalIgnoreCase))
                return reason;
        }
        throw new FormatException($"'{text}' is not a reason. Write one of {string.Join(", ", Enum.GetValues<DeadLetterReason>().Select(ToolJson.NameOf))}.");
    }
}
