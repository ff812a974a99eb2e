using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Runnel.Specification;

namespace Runnel.Tests.Processes;

/// <summary>
/// A program of .NET that runs command lines that end at once, one after another in one process. Each process of its own would cost half a second of processor time.
/// </summary>
/// <remarks><c>StartupHook</c> in Runnel.TestWorker is its other end. The process ends with its input, and so with the tests.</remarks>
internal sealed class RepeatedProgram
{
    private const char End = '\u001f';
    private static readonly ConcurrentDictionary<string, ConcurrentBag<RepeatedProgram>> Idle = new();

    private readonly ChildProcess _process;
    private int _runs;
    private int _outputRead, _errorRead;

    private RepeatedProgram(string program, Action<ProcessStartInfo>? configure) => _process = ChildProcess.Start(program, [], start =>
    {
        configure?.Invoke(start);
        start.Environment["DOTNET_STARTUP_HOOKS"] = Path.Combine(AppContext.BaseDirectory, "Runnel.TestWorker.dll");
    });

    /// <summary>Runs the program, and waits until it has ended.</summary>
    /// <param name="program">The name of the file beside the tests.</param>
    /// <param name="configure">Changes how its process is started; the same for each run of the program.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>Its exit code, and what it said on both streams.</returns>
    public static async Task<(int Code, string Output, string Error)> RunAsync(string program, Action<ProcessStartInfo>? configure, string input, params string[] arguments)
    {
        var idle = Idle.GetOrAdd(program, static _ => []);
        if (!idle.TryTake(out var process))
            process = new RepeatedProgram(program, configure);
        try
        {
            var ended = await process.RunAsync([input, .. arguments]);
            idle.Add(process);
            return ended;
        }
        catch
        {
            await process._process.DisposeAsync();
            throw;
        }
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(string[] words)
    {
        var end = string.Create(CultureInfo.InvariantCulture, $"{End}{++_runs} ");
        await _process.WriteLineAsync(JsonSerializer.Serialize(words));
        await _process.SaysAsync(end);
        await Wait.Until(() => _process.StandardOutput.Contains(end, StringComparison.Ordinal) && _process.StandardError.Contains(end, StringComparison.Ordinal), "both streams have ended");
        var (code, output) = Read(_process.StandardOutput, end, ref _outputRead);
        return (code, output, Read(_process.StandardError, end, ref _errorRead).Said);
    }

    // What was said after the run before, and the code behind the end.
    private static (int Code, string Said) Read(string all, string end, ref int from)
    {
        var at = all.IndexOf(end, from, StringComparison.Ordinal);
        var said = all[from..at];
        from = all.Length + 1; // the line break comes with the next line
        return (int.Parse(all.AsSpan(at + end.Length), CultureInfo.InvariantCulture), said.EndsWith('\n') ? said[..^1] : said);
    }
}
