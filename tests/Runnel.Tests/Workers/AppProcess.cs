using System.Diagnostics;
using Runnel.Specification;

namespace Runnel.Tests.Workers;

/// <summary>The test application as a process of its own.</summary>
internal sealed class AppProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];
    private readonly List<string> _errors = [];

    private AppProcess(Process process)
    {
        _process = process;
        _process.OutputDataReceived += (_, line) => Add(line.Data, _lines);
        _process.ErrorDataReceived += (_, line) => Add(line.Data, _lines, _errors);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Output
    {
        get
        {
            lock (_lock)
                return string.Join('\n', _lines);
        }
    }

    /// <summary>What stands on the error output.</summary>
    public string Error
    {
        get
        {
            lock (_lock)
                return string.Join('\n', _errors);
        }
    }

    public static AppProcess Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments.Prepend(Path.Combine(AppContext.BaseDirectory, "Runnel.TestApp.dll")))
            start.ArgumentList.Add(argument);
        return new AppProcess(new Process { StartInfo = start });
    }

    public Task UntilAsync(string text) => Wait.Until(() => Output.Contains(text, StringComparison.Ordinal) || _process.HasExited, $"the process says '{text}'; it said: {Output}");

    public async Task<(int Code, string Output)> EndAsync()
    {
        await Wait.For(_process.WaitForExitAsync(), $"the process to end; it said: {Output}");
        return (_process.ExitCode, Output);
    }

    /// <summary>Sends SIGTERM.</summary>
    public async Task<(int Code, string Output)> TerminateAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        return await EndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private void Add(string? line, params List<string>[] to)
    {
        lock (_lock)
        {
            foreach (var lines in to)
                lines.Add(line ?? "");
        }
    }
}
