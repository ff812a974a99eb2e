using System.Diagnostics;
using System.Reflection;
using System.Text.Json;

namespace Runnel.Bench;

/// <summary>This program, started once more with another command, or one that speaks like it: asked over its standard input, it answers on its standard output.</summary>
/// <remarks>A child ends when its standard input does, so that none outlives the program, however that ends.</remarks>
internal sealed class ChildProcess : IAsyncDisposable
{
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan LongestGoodbye = TimeSpan.FromSeconds(5);

    private readonly Process _process;

    private ChildProcess(Process process) => _process = process;

    /// <summary>What the operating system knows it by.</summary>
    public int Id => _process.Id;

    /// <summary>Starts a child with the garbage collector of a server application.</summary>
    public static ChildProcess Start(params string[] command) => Start(serverGarbageCollection: true, command);

    /// <summary>Starts a child with a small heap, for work that is not measured.</summary>
    public static ChildProcess StartSmall(params string[] command) => Start(serverGarbageCollection: false, command);

    /// <summary>Starts another program.</summary>
    public static ChildProcess StartOther(string program, params string[] arguments) => Start(new ProcessStartInfo(program, arguments));

    /// <summary>Writes a line of words and reads the answer, a line of JSON.</summary>
    public async Task<T> AskAsync<T>(CancellationToken cancellationToken, params object[] words)
    {
        var question = string.Join(' ', words);
        try
        {
            await _process.StandardInput.WriteLineAsync(question.AsMemory(), cancellationToken);
            await _process.StandardInput.FlushAsync(cancellationToken);
        }
        catch (IOException)
        {
            throw new BenchException($"The process {_process.Id} had ended before it was asked '{question}'; its error is above.");
        }

        var answer = await _process.StandardOutput.ReadLineAsync(cancellationToken).AsTask()
            .WaitAsync(LongestAnswer, TimeProvider.System, cancellationToken);
        return answer is null
            ? throw new BenchException($"The process {_process.Id} ended instead of answering '{question}'; its error is above.")
            : JsonSerializer.Deserialize<T>(answer)!;
    }

    /// <summary>Kills it (SIGKILL), and nothing else: whatever it was doing ends there.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before it had read a question; whoever asked is told.
        }
        using var patience = new CancellationTokenSource(LongestGoodbye, TimeProvider.System);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private static ChildProcess Start(bool serverGarbageCollection, string[] command)
    {
        var self = Environment.ProcessPath!;
        var start = new ProcessStartInfo(self);
        if (Path.GetFileNameWithoutExtension(self) == "dotnet")
            start.ArgumentList.Add(Assembly.GetExecutingAssembly().Location);
        foreach (var word in command)
            start.ArgumentList.Add(word);
        start.Environment["DOTNET_gcServer"] = serverGarbageCollection ? "1" : "0";
        return Start(start);
    }

    private static ChildProcess Start(ProcessStartInfo start)
    {
        (start.RedirectStandardInput, start.RedirectStandardOutput) = (true, true);
        return new ChildProcess(Process.Start(start)!);
    }
}
