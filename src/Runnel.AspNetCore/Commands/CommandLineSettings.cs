using System.CommandLine;

namespace Runnel.AspNetCore.Commands;

/// <summary>What a command line says beside Runnel's commands and options: settings of the application's configuration. Anything else is a mistake.</summary>
/// <remarks>
/// A setting has its value in the same word (<c>--Backend=URI</c>), or a colon in its name (<c>--Logging:LogLevel:Default Debug</c>), or is one of
/// the host's own (<c>--urls URL</c>). Everything else would be a switch that nothing reads, so a slip such as <c>--no-worker</c> is refused.
/// </remarks>
internal static class CommandLineSettings
{
    private static readonly HashSet<string> OfTheHost = new(StringComparer.OrdinalIgnoreCase)
    {
        "urls", "http_ports", "https_ports", "environment", "contentRoot", "webroot", "applicationName", "allowedHosts", "detailedErrors",
        "captureStartupErrors", "preferHostingUrls", "shutdownTimeoutSeconds", "staticWebAssets", "suppressStatusMessages",
        "hostingStartupAssemblies", "hostingStartupExcludeAssemblies", "preventHostingStartup", "startupAssembly",
    };

    /// <summary>The settings, as the configuration reads them from a command line.</summary>
    /// <exception cref="FormatException">The command line has an unknown command or option; the message suggests a similar one.</exception>
    public static IReadOnlyList<string> Of(ParseResult parsed)
    {
        var settings = new List<string>();
        var words = new Queue<string>(parsed.UnmatchedTokens);
        while (words.TryDequeue(out var word))
        {
            var name = word.Split('=')[0];
            var hasValue = name.Length < word.Length;
            if (!name.StartsWith("--", StringComparison.Ordinal) && !hasValue)
                throw NoSuchWord(parsed, word);
            if (name.StartsWith("--", StringComparison.Ordinal) && !name.Contains(':', StringComparison.Ordinal))
                RefuseOption(parsed, name, hasValue);

            settings.Add(word);
            if (hasValue)
                continue;
            if (!words.TryDequeue(out var value) || value.StartsWith("--", StringComparison.Ordinal))
                throw new FormatException($"The setting '{name}' has no value: write {name}=VALUE.");
            settings.Add(value);
        }
        return settings;
    }

    private static void RefuseOption(ParseResult parsed, string name, bool hasValue)
    {
        var own = Commands(parsed).SelectMany(command => command.Options, (command, option) => (Command: command, option.Name)).ToList();
        var other = own.FirstOrDefault(option => option.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        // An option of the command itself, or of all commands, is here only because it is written in another case.
        if (other.Command is { } command && command != parsed.CommandResult.Command && command != parsed.RootCommandResult.Command)
        {
            throw new FormatException(command.Name == NameOf(parsed)
                ? $"Write the command before '{other.Name}': {command.Name} {other.Name}. See --help."
                : $"'{other.Name}' is an option of '{command.Name}', not of '{NameOf(parsed)}'. See --help.");
        }
        if (NearMiss.Of(name, own.Select(option => option.Name)) is { } meant)
            throw new FormatException($"There is no option '{name}'; did you mean '{meant}'? See --help.");
        if (hasValue || OfTheHost.Contains(name[2..]))
            return;
        var hint = NearMiss.Of(name, OfTheHost.Select(setting => "--" + setting)) is { } setting ? $" Did you mean '{setting}'?" : "";
        throw new FormatException($"'{NameOf(parsed)}' has no option '{name}'.{hint} A setting of the application's configuration has its value in the same word: {name}=VALUE.");
    }

    private static FormatException NoSuchWord(ParseResult parsed, string word)
    {
        if (parsed.CommandResult != parsed.RootCommandResult || word.StartsWith('-'))
            return new FormatException($"'{NameOf(parsed)}' takes no argument '{word}'. See --help.");
        var commands = parsed.RootCommandResult.Command.Subcommands.Select(command => command.Name).ToList();
        return new FormatException(NearMiss.Of(word, commands) is { } meant
            ? $"There is no command '{word}'; did you mean '{meant}'? See --help."
            : $"There is no command '{word}': there are {string.Join(", ", commands.Select(command => $"'{command}'"))}. See --help.");
    }

    private static IEnumerable<Command> Commands(ParseResult parsed) => [parsed.RootCommandResult.Command, .. parsed.RootCommandResult.Command.Subcommands];

    // Without a command the application serves.
    private static string NameOf(ParseResult parsed) => parsed.CommandResult == parsed.RootCommandResult ? "runserver" : parsed.CommandResult.Command.Name;
}
