using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.WebSockets;
using Runnel.Specification;
using Runnel.Tests.House;

namespace Runnel.Tests.Samples;

/// <summary>A sample as people start it: a process of its own. It is ended by its id, and never outlives its test.</summary>
internal sealed class SampleProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();

    private SampleProcess(string sample, SampleFolder folder, string[] arguments, params string[] more)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Repository.PathTo(Path.Combine("samples", sample, "bin", output.Parent!.Name, output.Name, sample + ".dll"));
        var start = new ProcessStartInfo("dotnet", [program, .. arguments, .. folder.Arguments, .. more])
        {
            WorkingDirectory = folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_ENVIRONMENT"] = "Development", ["ASPNETCORE_URLS"] = "http://127.0.0.1:1", ["Logging__LogLevel__Microsoft.AspNetCore"] = "Warning" },
        };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => _lines.Enqueue(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _lines.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Where it listens, if it serves.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1");

    public HttpClient Client { get; private set; } = null!;

    public string Output => string.Join(Environment.NewLine, _lines);

    /// <summary>Starts a process that serves, on a free port unless told which.</summary>
    public static async Task<SampleProcess> ServeAsync(string sample, SampleFolder folder, int port = 0, params string[] arguments)
    {
        const string Said = "Now listening on: ";
        var running = new SampleProcess(sample, folder, arguments, "--urls", $"http://127.0.0.1:{port}");
        var line = await running.WaitForLineAsync(Said);
        running.Address = new Uri(line[(line.IndexOf(Said, StringComparison.Ordinal) + Said.Length)..]);
        running.Client = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false }) { BaseAddress = running.Address, Timeout = Wait.Limit };
        return running;
    }

    /// <summary>Starts a process that only works.</summary>
    public static async Task<SampleProcess> WorkAsync(string sample, SampleFolder folder, params string[] arguments)
    {
        var running = new SampleProcess(sample, folder, ["runworker", .. arguments]);
        await running.WaitForLineAsync("takes");
        return running;
    }

    /// <summary>A browser that has opened the page: it has a cookie, and so has what it asks for.</summary>
    public async Task<(HttpClient Http, string Cookie)> VisitAsync(string path = "/")
    {
        using var page = await Client.GetAsync(new Uri(path, UriKind.Relative));
        var cookie = page.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        return (new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false }) { BaseAddress = Address, Timeout = Wait.Limit, DefaultRequestHeaders = { { "Cookie", cookie } } }, cookie);
    }

    public async Task<FrameReader> OpenSocketAsync(string path, string? cookie = null)
    {
        var socket = new ClientWebSocket();
        if (cookie is not null)
            socket.Options.SetRequestHeader("Cookie", cookie);
        await Wait.For(socket.ConnectAsync(new Uri($"ws://{Address.Authority}{path}"), CancellationToken.None), "the socket to open");
        return new FrameReader(socket);
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await Wait.For(_process.WaitForExitAsync(), "the process to be dead");
    }

    /// <summary>SIGTERM.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> TerminateAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
        await Wait.For(_process.WaitForExitAsync(), "the process to end");
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        Client?.Dispose();
        _process.Dispose();
    }

    private async Task<string> WaitForLineAsync(string part)
    {
        string? found = null;
        try
        {
            await Wait.Until(
                () =>
                {
                    found = _lines.FirstOrDefault(line => line.Contains(part, StringComparison.Ordinal));
                    return found is not null || _process.HasExited;
                },
                $"the sample says '{part}'");
            return found ?? throw new InvalidOperationException($"The sample ended without saying '{part}':{Environment.NewLine}{Output}");
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }
}
