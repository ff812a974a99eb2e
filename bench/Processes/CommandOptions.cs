using System.CommandLine;
using System.Globalization;

namespace Runnel.Bench;

/// <summary>The options that several commands have. Every number has an end, so that no run is without one.</summary>
internal static class CommandOptions
{
    public static Option<int> Number(string name, string description, int usual, int least, int most)
    {
        var option = new Option<int>(name)
        {
            Description = string.Create(CultureInfo.InvariantCulture, $"{description} ({least:N0} to {most:N0})"),
            DefaultValueFactory = _ => usual,
        };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is var value && (value < least || value > most))
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} must be from {least:N0} to {most:N0}; it is {value:N0}."));
        });
        return option;
    }

    public static Option<string[]> Targets() => Several("--target", "Only these targets", FanoutTargets.Names);

    /// <summary>All of the words, or those that are given.</summary>
    public static Option<string[]> Several(string name, string description, IReadOnlyList<string> all)
    {
        var option = new Option<string[]>(name) { Description = description, DefaultValueFactory = _ => [.. all], AllowMultipleArgumentsPerToken = true };
        option.AcceptOnlyFromAmong([.. all]);
        return option;
    }

    public static Option<string> Layer(string description, string usual) => new("--layer") { Description = description, DefaultValueFactory = _ => usual };

    public static Option<FileInfo?> Out() => new("--out") { Description = "Write the tables to this file, too" };
}
