using System.Diagnostics;
using Runnel.Specification;

namespace Runnel.Tests.Processes;

/// <summary>A process that a test starts, listens to, signals and ends. It does not outlive its test.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Lock _lock = new();
    private readonly List<(string Line, bool IsError)> _lines = [];
    private int _disposed;

    private ChildProcess(ProcessStartInfo start)
    {
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Add(line.Data, isError: false);
        _process.ErrorDataReceived += (_, line) => Add(line.Data, isError: true);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    /// <summary>What it has said so far, on both streams.</summary>
    public string Output => TextOf(static _ => true);

    public string StandardOutput => TextOf(static line => !line.IsError);

    public string StandardError => TextOf(static line => line.IsError);

    /// <summary>What it has said so far, line by line.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock)
                return [.. _lines.Select(line => line.Line)];
        }
    }

    /// <summary>Starts a program of .NET that was built with the tests.</summary>
    /// <param name="program">Its path, or the name of the file beside the tests.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="configure">Changes how it is started, such as its environment.</param>
    public static ChildProcess Start(string program, IEnumerable<string> arguments, Action<ProcessStartInfo>? configure = null)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, program), .. arguments]);
        configure?.Invoke(start);
        return new ChildProcess(start);
    }

    /// <summary>Starts a program of .NET that was built with the tests on a terminal of its own: what it asks is answered by what is written to it.</summary>
    public static ChildProcess StartOnTerminal(string program, params string[] arguments) => new(new ProcessStartInfo(
        "script", ["-qec", string.Join(' ', new[] { "dotnet", Path.Combine(AppContext.BaseDirectory, program) }.Concat(arguments).Select(word => $"'{word}'")), "/dev/null"]));

    /// <summary>Starts a script with Node.</summary>
    public static ChildProcess StartNode(params string[] arguments) => new(new ProcessStartInfo("node", arguments));

    /// <summary>Waits until it has said a line with these words.</summary>
    /// <returns>The line.</returns>
    /// <exception cref="InvalidOperationException">It ended without saying so.</exception>
    public async Task<string> SaysAsync(string words)
    {
        string? Find() => Lines.FirstOrDefault(line => line.Contains(words, StringComparison.Ordinal));
        await Wait.Until(() => Find() is not null || _process.HasExited, $"the process says '{words}'; it said: {Output}");
        if (Find() is null)
            await _process.WaitForExitAsync(); // its last lines may still be on their way
        return Find() ?? throw new InvalidOperationException($"The process ended with {_process.ExitCode} before it said '{words}'. It said: {Output}");
    }

    /// <summary>Writes to its input, and closes it.</summary>
    public async Task WriteAsync(string input)
    {
        await _process.StandardInput.WriteAsync(input);
        _process.StandardInput.Close();
    }

    /// <summary>Writes a line to its input.</summary>
    public async Task WriteLineAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Waits until it has ended, and all it said is here.</summary>
    public async Task<(int Code, string Output)> EndAsync(TimeSpan? limit = null)
    {
        await (limit is { } longest ? _process.WaitForExitAsync().WaitAsync(longest) : Wait.For(_process.WaitForExitAsync(), $"the process to end; it said: {Output}"));
        return (_process.ExitCode, Output);
    }

    /// <summary>Sends SIGTERM, and waits for the end.</summary>
    public async Task<(int Code, string Output)> TerminateAsync()
    {
        await SignalAsync("TERM");
        return await EndAsync();
    }

    /// <summary>Sends SIGSTOP: the process lives, and does nothing until it is killed.</summary>
    public async Task StopAsync()
    {
        await SignalAsync("STOP");
        await Wait.Until(() => File.ReadAllText($"/proc/{Id}/stat").Contains(") T ", StringComparison.Ordinal), "the process is stopped");
    }

    /// <summary>Sends SIGCONT: it goes on.</summary>
    public Task ContinueAsync() => SignalAsync("CONT");

    /// <summary>Sends SIGKILL, and waits for the end.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await Wait.For(_process.WaitForExitAsync(), "the process to be dead");
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await KillAsync();
        _process.Dispose();
    }

    private async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{Id}"]);
        await kill.WaitForExitAsync();
    }

    private string TextOf(Func<(string Line, bool IsError), bool> isWanted)
    {
        lock (_lock)
            return string.Join('\n', _lines.Where(isWanted).Select(line => line.Line));
    }

    private void Add(string? line, bool isError)
    {
        if (line is null)
            return; // the end of the stream
        lock (_lock)
            _lines.Add((line, isError));
    }
}
