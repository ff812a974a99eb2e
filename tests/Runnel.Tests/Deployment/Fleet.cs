using System.Globalization;
using System.Text.RegularExpressions;
using Runnel.Specification;
using Runnel.Tests.Processes;
using Runnel.Tests.Workers;
using Xunit;

namespace Runnel.Tests.Deployment;

/// <summary>Gateways and workers of the test application on one layer, each of them a process.</summary>
/// <param name="layer">The arguments that name the layer.</param>
internal sealed partial class Fleet(params string[] layer) : IAsyncDisposable
{
    private readonly List<ChildProcess> _processes = [];

    /// <summary>Starts a gateway.</summary>
    /// <returns>Where it listens.</returns>
    public async Task<Uri> StartGatewayAsync()
    {
        const string Said = "Now listening on: ";
        var line = await Start("runserver", "--noworker", "--urls", "http://127.0.0.1:0").SaysAsync(Said);
        return new Uri(line[(line.IndexOf(Said, StringComparison.Ordinal) + Said.Length)..]);
    }

    /// <summary>Starts a worker that takes connections.</summary>
    public async Task<ChildProcess> StartWorkerAsync(string only = "websocket*", string exclude = "nothing")
    {
        var worker = Start("runworker", "--only-channels", only, "--exclude-channels", exclude);
        await worker.SaysAsync("Application started.");
        return worker;
    }

    /// <summary>Sends SIGTERM, and sees that the worker ends well and has let go of all of its consumers.</summary>
    /// <returns>How many connections ended there.</returns>
    public static async Task<int> EndAsync(ChildProcess worker)
    {
        var (code, output) = await worker.TerminateAsync();
        Assert.True(code == 0, output);
        if (Consumers().Match(output) is not { Success: true } consumers)
            return 0;
        Assert.Equal(consumers.Groups["made"].Value, consumers.Groups["disposed"].Value);
        return int.Parse(consumers.Groups["ended"].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>Waits until so many connections have ended at the workers, who hear of it only after the client has: one that is stopped before that leaves it to the next.</summary>
    public static Task HearOfEndsAsync(int connections, params IEnumerable<ChildProcess> workers) =>
        Wait.Until(() => workers.Sum(static worker => worker.Lines.Count(static line => line == "is told of its end")) >= connections, "the workers hear that the connections have ended");

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
            await process.DisposeAsync();
    }

    private ChildProcess Start(params string[] arguments)
    {
        var process = AppProcess.Start([.. arguments, .. layer, "--Logging:LogLevel:Microsoft.AspNetCore=Warning"]);
        lock (_processes)
            _processes.Add(process);
        return process;
    }

    [GeneratedRegex(@"consumers: (?<made>\d+) made, (?<disposed>\d+) disposed, (?<ended>\d+) ended")]
    private static partial Regex Consumers();
}
