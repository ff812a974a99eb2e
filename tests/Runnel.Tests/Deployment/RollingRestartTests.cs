using System.Text.Json;
using Runnel.Specification;
using Runnel.Tests.House;
using Runnel.Tests.Processes;
using Runnel.Tests.Samples;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Deployment;

/// <summary>The application is deployed anew under the eyes of its clients: two gateways behind the nginx of <c>deploy/</c>, one restarted after the other.</summary>
public sealed class RollingRestartTests
{
    private const int Clients = 40;
    private static readonly double Window = new Runnel.AspNetCore.GatewayOptions().ReconnectWindow.TotalMilliseconds;

    [Fact]
    public async Task Every_client_comes_back_at_its_first_attempt_within_its_window_and_misses_no_article()
    {
        using var folder = new SampleFolder();
        int[] ports = [LoopbackPort.Free(), LoopbackPort.Free()];
        await using var first = await SampleProcess.ServeAsync("Articles", folder, ports[0]);
        await using var second = await SampleProcess.ServeAsync("Articles", folder, ports[1]);
        SampleProcess[] gateways = [first, second];
        await using var nginx = await NginxServer.StartDeployedAsync([.. gateways.Select(gateway => gateway.Address)]);
        await using var clients = ChildProcess.StartNode(
            Repository.PathTo("tests/Runnel.Tests/Deployment/clients.mjs"), $"ws://127.0.0.1:{nginx.Port}/ws/articles", $"{Clients}");
        try
        {
            await clients.SaysAsync("joined");
            using var over = new CancellationTokenSource();
            var writing = WriteAsync(nginx.Address, over.Token);

            for (var i = 0; i < gateways.Length; i++)
            {
                Assert.Equal(0, await gateways[i].TerminateAsync());
                await gateways[i].DisposeAsync();
                gateways[i] = await SampleProcess.ServeAsync("Articles", folder, ports[i]);
            }
            await over.CancelAsync();
            var last = await Wait.For(writing, "the last article");
            await clients.WriteAsync($"{last}\n");

            var said = await clients.SaysAsync("seen ");
            var all = JsonSerializer.Deserialize<Seen[]>(said["seen ".Length..], JsonSerializerOptions.Web)!;
            Assert.All(all, seen => Assert.Equal(Enumerable.Range(1, last), seen.Articles));
            Assert.All(all, seen => Assert.InRange(seen.Codes.Length, 1, 2));
            Assert.All(all, seen => Assert.All(seen.Codes, code => Assert.Equal(CloseCode.ServiceRestart, code)));
            Assert.All(all, seen => Assert.All(seen.Waits, wait => Assert.InRange(wait, 0, Window)));
            Assert.All(all, seen => Assert.Equal(1 + seen.Codes.Length, seen.Sockets));
            Assert.All(all, seen => Assert.All(seen.Recovered[1..], Assert.True));
        }
        finally
        {
            foreach (var gateway in gateways)
                await gateway.DisposeAsync();
        }
    }

    // One article after another. What a gateway has not confirmed because it ended may be there or not; the next one tells.
    private static async Task<int> WriteAsync(Uri address, CancellationToken over)
    {
        using var writer = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address, DefaultRequestHeaders = { { "X-Api-Key", "dev" } }, Timeout = Wait.Limit };
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        for (var number = 1; ; number++)
        {
            try
            {
                var id = await ArticlesApp.PostAsync(writer, $"Article {number}");
                if (over.IsCancellationRequested)
                    return id;
            }
            catch (HttpRequestException) when (!over.IsCancellationRequested)
            {
            }
            await pace.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    /// <summary>What a client has seen: articles, how many sockets it opened, how each closed, how long it waited then, and whether it had missed anything.</summary>
    private sealed record Seen(int[] Articles, int Sockets, int[] Codes, double[] Waits, bool[] Recovered);
}
