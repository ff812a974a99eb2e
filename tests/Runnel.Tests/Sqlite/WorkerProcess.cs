using System.Collections.Concurrent;
using System.Diagnostics;
using Runnel.Specification;

namespace Runnel.Tests.Sqlite;

/// <summary>A worker in a process of its own (tests/Runnel.TestWorker), which the test may kill.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly Task _reading;
    private int _disposed;

    public WorkerProcess(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Runnel.TestWorker.dll"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        _process = Process.Start(start)!;
        _reading = ReadAsync();
    }

    /// <summary>What it has said so far.</summary>
    public IReadOnlyCollection<string> Lines => _lines;

    public async Task SaysAsync(string line)
    {
        await Wait.Until(() => _lines.Contains(line) || _process.HasExited, $"the worker said '{line}'");
        if (!_lines.Contains(line))
            throw new InvalidOperationException($"The worker ended with {_process.ExitCode} before it said '{line}'.");
    }

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>kill -STOP: it lives, and does nothing until it is killed.</summary>
    public async Task StopAsync()
    {
        using var kill = Process.Start("kill", ["-STOP", $"{Id}"]);
        await kill.WaitForExitAsync();
        await Wait.Until(() => File.ReadAllText($"/proc/{Id}/stat").Contains(") T ", StringComparison.Ordinal), "the process is stopped");
    }

    /// <summary>kill -9.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Kills it, if it lives, and reads what it said before.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _process.Kill();
        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
            _lines.Enqueue(line);
    }
}
