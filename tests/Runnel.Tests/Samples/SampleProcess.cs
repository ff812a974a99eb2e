using System.Net.WebSockets;
using Runnel.Specification;
using Runnel.Tests.House;
using Runnel.Tests.Processes;

namespace Runnel.Tests.Samples;

/// <summary>A sample as people start it: a process of its own. It is ended by its id, and never outlives its test.</summary>
internal sealed class SampleProcess : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private SampleProcess(string sample, SampleFolder folder, string[] arguments, params string[] more)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Repository.PathTo(Path.Combine("samples", sample, "bin", output.Parent!.Name, output.Name, sample + ".dll"));
        _process = ChildProcess.Start(program, [.. arguments, .. folder.Arguments, .. more], start =>
        {
            start.WorkingDirectory = folder.Path;
            start.Environment["DOTNET_ENVIRONMENT"] = "Development";
            start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:1";
            start.Environment["Logging__LogLevel__Microsoft.AspNetCore"] = "Warning";
        });
    }

    /// <summary>Where it listens, if it serves.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1");

    public HttpClient Client { get; private set; } = null!;

    public string Output => _process.Output;

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
    public Task KillAsync() => _process.KillAsync();

    /// <summary>SIGTERM.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> TerminateAsync() => (await _process.TerminateAsync()).Code;

    /// <summary>Waits until it ends by itself.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> ExitAsync() => (await _process.EndAsync()).Code;

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        Client?.Dispose();
    }

    private async Task<string> WaitForLineAsync(string part)
    {
        try
        {
            return await _process.SaysAsync(part);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }
}
