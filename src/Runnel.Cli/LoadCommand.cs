using System.CommandLine;
using Runnel.Cli.Load;
using Runnel.Cli.Sockets;
using Runnel.Layers;

namespace Runnel.Cli;

/// <summary><c>runnel load</c>: a load test of a WebSocket server, which tells what was lost.</summary>
internal sealed class LoadCommand
{
    private const string GroupScheme = "group:";
    private const int MostConnections = 1_000_000, MostPublishers = 1_000;

    private readonly SharedOptions _shared;
    private readonly Argument<string> _url = new("URL") { Description = "Where the sockets lead: ws://HOST:PORT/PATH or wss://…; http:// and https:// mean the same." };
    private readonly Option<int> _connections = Inputs.Count("--connections", "So many connections; 100 by default.", 1, MostConnections);
    private readonly Option<TimeSpan> _ramp = Inputs.DurationOr("--ramp", "The time within which they are opened, at even distances; 10s by default.", TimeSpan.FromSeconds(10));
    private readonly Option<TimeSpan> _duration = Inputs.DurationOr("--duration", "How long the test lasts, once all are connected; 60s by default, at most 1d.", TimeSpan.FromSeconds(60));
    private readonly Option<TimeSpan> _drain = Inputs.DurationOr("--drain", "The longest wait at the end for what is still on its way; 10s by default.", TimeSpan.FromSeconds(10));
    private readonly Option<TimeSpan> _timeout = Inputs.DurationOr("--timeout", "The longest that a handshake, or publishing a message, may take; 10s by default.", TimeSpan.FromSeconds(10));
    private readonly Option<double> _rate = Inputs.Parsed("--rate", "Messages a second: of all publishers together, or with --echo of all connections together.", "R", RateOf);
    private readonly Option<bool> _echo = new("--echo") { Description = "The connections send messages in turn, and the server sends each back to the one it is from." };
    private readonly Option<string?> _publish = Inputs.Text("--publish", "Who publishes to the sockets: an http:// or https:// address, to which messages are POSTed, or group:NAME, to which they are sent through --layer.", "TO");
    private readonly Option<int> _publishers = Inputs.Count("--publishers", "So many publish, each its own numbered messages, one after the other; 1 by default.", 1, MostPublishers);
    private readonly Option<MessageTemplate?> _body = Inputs.Parsed<MessageTemplate?>("--body", "The messages' body. {mark} is where the message is known by, {n} its number, {publisher} who sent it.", "TEMPLATE", MessageTemplate.Parse);
    private readonly Option<string?> _protocol = Inputs.Text("--protocol", "The subprotocol to ask for. With runnel.v1 the clients come back after a cut with their positions, and the check goes on.", "NAME");
    private readonly Option<string?> _stream = Inputs.Text("--stream", "The stream of a shared socket that the messages are on.", "NAME");
    private readonly Option<string[]> _headers = new("--header") { Description = "A header of each handshake and each POST, such as 'X-Api-Key: dev'. May be given several times.", HelpName = "HEADER", AllowMultipleArgumentsPerToken = false };
    private readonly Option<bool> _insecure = new("--insecure") { Description = "Do not check the certificates of wss:// and https://." };
    private readonly Option<Retention?> _history = Inputs.Parsed<Retention?>("--history", "With group:NAME: how much history the application keeps of the group (KeepHistory), such as 1000,2m.", "COUNT,AGE", RetentionOf);

    private LoadCommand(SharedOptions shared)
    {
        _shared = shared;
        _connections.DefaultValueFactory = static _ => 100;
        _publishers.DefaultValueFactory = static _ => 1;
    }

    public static Command Create(SharedOptions shared)
    {
        var load = new LoadCommand(shared);
        var command = new Command("load", "Puts load on a WebSocket server, and tells whether every message arrived once and in order.")
        {
            load._url, load._connections, load._ramp, load._duration, load._drain, load._timeout, load._rate, load._echo, load._publish, load._publishers, load._body,
            load._protocol, load._stream, load._headers, load._insecure, load._history,
        };
        command.SetAction(load.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken interrupted)
    {
        var screen = new Screen(parsed.GetValue(_shared.Json));
        var settings = Understood(() => Read(parsed));
        if (FileLimit.ProblemWith(settings.Connections + settings.Publishers) is { } problem)
            throw new ToolException(problem);

        var to = parsed.GetValue(_publish);
        await using var layer = to is not null && to.StartsWith(GroupScheme, StringComparison.Ordinal) ? await OpenLayerAsync(parsed, interrupted) : null;
        using var http = to is null || layer is not null ? null : new HttpPublisher(Understood(() => PublishAddressOf(to)), settings, TimeProvider.System);
        IMessagePublisher? publisher = layer is null ? http : new GroupPublisher(layer.Groups, Understood(() => new GroupName(to![GroupScheme.Length..])), settings.Timeout);

        var report = new LoadReport(screen);
        var summary = await new LoadRun(settings, publisher, TimeProvider.System).RunAsync(report.Progress, interrupted);
        report.Answer(summary);
        return summary.Verdict.IsGood ? 0 : ToolException.Failure;
    }

    private LoadSettings Read(ParseResult parsed)
    {
        var (publish, echo, rate) = (parsed.GetValue(_publish), parsed.GetValue(_echo), parsed.GetValue(_rate));
        if (publish is not null && echo)
            throw new FormatException("Say --echo or --publish, not both: only one can be checked at a time.");
        if ((publish is not null || echo) != rate > 0)
            throw new FormatException("Give --rate together with --echo or --publish. Without all three, the connections are only held.");
        var settings = new LoadSettings
        {
            Target = Target.Parse(parsed.GetRequiredValue(_url)),
            Connections = parsed.GetValue(_connections),
            Ramp = parsed.GetValue(_ramp),
            Duration = parsed.GetValue(_duration),
            Drain = parsed.GetValue(_drain),
            Timeout = parsed.GetValue(_timeout),
            Rate = rate,
            IsEcho = echo,
            Publishers = publish is null ? 0 : parsed.GetValue(_publishers),
            Body = parsed.GetValue(_body) ?? MessageTemplate.Default,
            Protocol = parsed.GetValue(_protocol),
            Stream = parsed.GetValue(_stream),
            IsInsecure = parsed.GetValue(_insecure),
            Headers = [.. (parsed.GetValue(_headers) ?? []).Select(Header.Parse)],
        };
        if (Math.Max(Math.Max(settings.Ramp.Ticks, settings.Duration.Ticks), Math.Max(settings.Drain.Ticks, settings.Timeout.Ticks)) > TimeSpan.TicksPerDay || settings.Timeout == TimeSpan.Zero)
            throw new FormatException("--ramp, --duration, --drain and --timeout are at most 1d, and --timeout is not 0s.");
        if (settings.Protocol?.Any(letter => !char.IsAsciiLetterOrDigit(letter) && letter is not ('.' or '-' or '_')) == true)
            throw new FormatException($"'{settings.Protocol}' is not the name of a subprotocol: it has letters, digits, dots, hyphens and underscores.");
        if (parsed.GetValue(_history) is not null && publish?.StartsWith(GroupScheme, StringComparison.Ordinal) != true)
            throw new FormatException($"--history is for --publish {GroupScheme}NAME only.");
        if (settings.Messages > LoadSettings.MostMessages)
            throw new FormatException($"That is {settings.Messages} messages, and a test has at most {LoadSettings.MostMessages}. Ask for a lower --rate or a shorter --duration.");
        if (echo && (settings.IsRecovering || settings.Stream is not null) && !settings.Body.IsJson)
            throw new FormatException("On a shared socket, and with runnel.v1, messages are JSON. --body is not.");
        return settings;
    }

    private Task<OpenedLayer> OpenLayerAsync(ParseResult parsed, CancellationToken interrupted)
    {
        var (history, group) = (parsed.GetValue(_history), parsed.GetValue(_publish)![GroupScheme.Length..]);
        return OpenedLayer.OpenAsync(parsed.GetValue(_shared.Layer), null, null, mayCreate: false, interrupted, options =>
        {
            if (history is not null)
                options.KeepHistory(group, history);
        });
    }

    private static T Understood<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            throw ToolException.Usage(ToolException.SentenceOf(exception));
        }
    }

    private static Uri PublishAddressOf(string text) => Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
        ? address
        : throw new FormatException($"--publish takes http://…, https://… or {GroupScheme}NAME, not '{text}'.");

    private static double RateOf(string text) =>
        double.TryParse(text, System.Globalization.NumberStyles.AllowDecimalPoint, System.Globalization.CultureInfo.InvariantCulture, out var rate) && rate is > 0 and <= 1_000_000
            ? rate
            : throw new FormatException($"--rate takes a number of messages a second above 0, not '{text}'.");

    private static Retention? RetentionOf(string text) => text.Split(',') is [var count, var age] && int.TryParse(count, out var messages) && messages > 0
        ? new Retention(messages, Duration.Parse(age))
        : throw new FormatException($"--history takes a number of messages and their age, such as 1000,2m, not '{text}'.");
}
