using System.Text.Json;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Runnel.Cli;

/// <summary>Where answers go: tables for people, one document for scripts. Questions and progress go to the error output, beside the answer.</summary>
internal sealed class Screen(bool json)
{
    // Wide enough that a table in a file or a pipe is one line per row.
    private const int NoWidth = 10_000;

    private readonly IAnsiConsole _out = Open(Console.Out, Console.IsOutputRedirected);
    private readonly IAnsiConsole _error = Open(Console.Error, Console.IsErrorRedirected);
    private int _statusLength;

    /// <summary>Whether a script reads the answer.</summary>
    public bool IsJson { get; } = json;

    /// <summary>Whether somebody sees progress.</summary>
    public bool IsWatched { get; } = !Console.IsErrorRedirected;

    /// <summary>Whether somebody can be asked.</summary>
    public bool CanAsk => IsWatched && !Console.IsInputRedirected;

    /// <summary>Writes the answer: a document to scripts, what the action does to people.</summary>
    public void Answer(object document, Action people)
    {
        if (IsJson)
            Console.Out.WriteLine(JsonSerializer.Serialize(document, ToolJson.Document));
        else
            people();
    }

    /// <summary>Writes a line to whom the answer is for.</summary>
    public void Line(string text) => _out.Profile.Out.Writer.WriteLine(Harmless(text));

    /// <summary>Writes a remark that is no part of the answer.</summary>
    public void Remark(string text) => _error.Profile.Out.Writer.WriteLine(Harmless(text));

    /// <summary>Writes how something goes: on a terminal over what was written so before, elsewhere as a line of its own.</summary>
    /// <param name="text">One line; nothing, to clear the terminal's line.</param>
    public void Status(string text)
    {
        if (!IsWatched)
        {
            if (text.Length > 0)
                Remark(text);
            return;
        }
        var line = Harmless(text);
        var width = Math.Max(10, _error.Profile.Width - 1);
        _error.Profile.Out.Writer.Write($"\r{(line.Length > width ? line[..width] : line).PadRight(Math.Min(width, _statusLength))}{(line.Length == 0 ? "\r" : "")}");
        _error.Profile.Out.Writer.Flush();
        _statusLength = Math.Min(width, line.Length);
    }

    /// <summary>Writes a table.</summary>
    /// <param name="heads">The columns; those that end in a hash sign hold numbers.</param>
    /// <param name="rows">The cells of each row.</param>
    public void Table(IEnumerable<string> heads, IEnumerable<IEnumerable<string?>> rows)
    {
        var table = new Table { Border = Console.IsOutputRedirected ? TableBorder.None : TableBorder.Rounded };
        foreach (var head in heads)
        {
            var isNumber = head.EndsWith('#');
            table.AddColumn(new TableColumn(new Text(head.TrimEnd('#'), new Style(decoration: Decoration.Bold))) { Alignment = isNumber ? Justify.Right : Justify.Left });
        }
        foreach (var row in rows)
            table.AddRow(row.Select(IRenderable (cell) => new Text(Harmless(cell ?? ""))));
        _out.Write(table);
    }

    /// <summary>Writes what is known of one thing, a line each; what is not known is left out.</summary>
    public void Details(IEnumerable<(string Name, string? Value)> details)
    {
        var known = details.Where(detail => detail.Value is not null).ToList();
        var width = known.Max(detail => detail.Name.Length);
        foreach (var (name, value) in known)
            Line($"{name.PadRight(width)}  {value}");
    }

    /// <summary>Asks for a yes, which is not the default.</summary>
    public Task<bool> ConfirmAsync(string question, CancellationToken cancellationToken) =>
        new ConfirmationPrompt(Markup.Escape(Harmless(question))) { DefaultValue = false }.ShowAsync(_error, cancellationToken);

    /// <summary>Shows a bar while something is done; it disappears at the end.</summary>
    /// <param name="what">What is done.</param>
    /// <param name="work">Does it, and reports through the function that it gets: how far it is, from 0 to 1 or not known, and what it is doing.</param>
    public Task<T> WithBarAsync<T>(string what, Func<Action<double?, string?>, Task<T>> work) => _error.Progress()
        .AutoClear(true)
        .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
        .StartAsync(progress =>
        {
            var bar = progress.AddTask(Markup.Escape(Harmless(what)), maxValue: 1);
            bar.IsIndeterminate = true;
            return work((value, text) =>
            {
                bar.IsIndeterminate = value is null;
                bar.Value = value ?? 0;
                bar.Description = Markup.Escape(Harmless(text ?? what));
            });
        });

    // What is in a message was written by somebody: it must not steer the terminal.
    private static string Harmless(string text) => string.Concat(text.Select(letter => char.IsControl(letter) && letter is not ('\n' or '\t') ? '\uFFFD' : letter));

    private static IAnsiConsole Open(TextWriter writer, bool isRedirected)
    {
        // Without enrichers: they turn colours on in some build servers' logs, which a redirected output never wants.
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isRedirected ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = isRedirected ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Interactive = isRedirected ? InteractionSupport.No : InteractionSupport.Detect,
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
        });
        if (isRedirected)
            console.Profile.Width = NoWidth;
        return console;
    }
}
