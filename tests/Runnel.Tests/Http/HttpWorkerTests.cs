using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Http;

/// <summary>What becomes of requests whose workers are not there, have enough, stop, die, or speak another language.</summary>
[Collection(nameof(Metered))]
public sealed class HttpWorkerTests : ScriptedHttpTests
{
    [Fact]
    public async Task A_response_that_the_gateway_cannot_read_is_a_502_and_the_request_is_not_repeated()
    {
        using var counts = new Counts();
        var worker = new UnreadableWorker();
        var nodes = await StartAsync(workers: 1, services => services.Replace(ServiceDescriptor.Singleton<IExchangeHandler>(worker)));

        using var response = await nodes.Client.GetAsync(Path);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(1, worker.Calls);
        Assert.Single(nodes.Gateway.Logs.Of(2032));
        Assert.Equal(1, counts[RunnelTelemetry.ConnectionsRefused, "worker-unreadable"]);
        Assert.Equal("The worker's response cannot be read. The request may have been carried out.", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Without_a_worker_a_client_is_told_to_come_back()
    {
        using var counts = new Counts();
        var nodes = await StartAsync(workers: 0);

        using var response = await nodes.Client.GetAsync(Path);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Equal(1, counts[RunnelTelemetry.ConnectionsRefused, "no-worker"]);
        Assert.Equal("No worker is there to answer; come back in a moment.", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_request_beyond_what_all_workers_take_is_a_503()
    {
        var nodes = await StartAsync(workers: 2, services => services.Configure<HandoverOptions>(options => options.MaxRequests = 1));
        var (began, go) = (0, new TaskCompletionSource());
        Script.Answer = (_, _, _) =>
        {
            Interlocked.Increment(ref began);
            return go.Task;
        };
        var taken = new[] { nodes.Client.PostAsync(Path, null), nodes.Client.PostAsync(Path, null) };
        await Wait.Until(() => Volatile.Read(ref began) == 2, "both workers have one");

        using var third = await nodes.Client.PostAsync(Path, null);
        go.SetResult();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, third.StatusCode);
        Assert.NotNull(third.Headers.RetryAfter);
        foreach (var response in await Wait.For(Task.WhenAll(taken), "the others"))
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("GET", HttpStatusCode.OK)]
    [InlineData("HEAD", HttpStatusCode.OK)]
    [InlineData("OPTIONS", HttpStatusCode.OK)]
    [InlineData("POST", HttpStatusCode.BadGateway)]
    [InlineData("DELETE", HttpStatusCode.BadGateway)]
    public async Task A_request_whose_worker_dies_is_repeated_elsewhere_only_if_that_is_safe(string method, HttpStatusCode expected)
    {
        using var counts = new Counts();
        var nodes = await StartAsync(workers: 2);
        var calls = 0;
        var began = new TaskCompletionSource();
        Script.Answer = async (request, response, cancellationToken) =>
        {
            if (Interlocked.Increment(ref calls) == 1)
            {
                began.SetResult();
                await ForEver(cancellationToken);
            }
            await response.WriteAsync("answered", cancellationToken);
        };

        var asking = nodes.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), Path));
        await Wait.For(began.Task, "a worker to have it");
        nodes.Lose(nodes.Workers.Single(worker => worker.Services.GetRequiredService<WorkerExchanges>().Answering == 1));
        using var response = await Wait.For(asking, "the response");

        Assert.Equal(expected, response.StatusCode);
        if (expected == HttpStatusCode.BadGateway)
            Assert.Equal("The worker that had the request is gone. It may have been carried out.", await response.Content.ReadAsStringAsync());
        Assert.Single(nodes.Gateway.Logs.Of(2031));
        Assert.Equal(expected == HttpStatusCode.BadGateway ? 1 : 0, counts[RunnelTelemetry.ConnectionsRefused, "worker-lost"]);
    }

    [Fact]
    public async Task A_request_whose_workers_die_is_given_up_after_three_of_them()
    {
        var nodes = await StartAsync(workers: 4);
        using var began = new SemaphoreSlim(0);
        Script.Answer = async (_, _, cancellationToken) =>
        {
            began.Release();
            await ForEver(cancellationToken);
        };

        var asking = nodes.Client.GetAsync(Path);
        for (var death = 1; death <= 3; death++)
        {
            await Wait.For(began.WaitAsync(), "a worker to have it");
            nodes.Lose(nodes.Workers.Single(worker => nodes.Gateway.Services.GetRequiredService<WorkerExchanges>().Load.ContainsKey(worker.Node.Id)));
        }
        using var response = await Wait.For(asking, "the response");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
    }

    [Fact]
    public async Task A_worker_that_stops_answers_what_it_has_first()
    {
        var nodes = await StartAsync(workers: 1);
        var (began, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        Script.Answer = async (_, response, cancellationToken) =>
        {
            began.SetResult();
            await go.Task;
            await response.WriteAsync("answered", cancellationToken);
        };
        var asking = nodes.Client.GetStringAsync(Path);
        await Wait.For(began.Task, "the worker to have it");

        var stopping = nodes.Workers[0].StopAsync();
        await Wait.Until(() => nodes.Workers[0].Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested, "the worker stops");
        go.SetResult();

        Assert.Equal("answered", await Wait.For(asking, "the answer"));
        await stopping;
    }

    [Fact]
    public async Task A_worker_reads_and_writes_json_as_its_options_say()
    {
        var nodes = await StartAsync(workers: 1, services => services.Configure<RunnelOptions>(options => options.Json = new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower }));
        Script.Answer = (request, response, cancellationToken) => response.WriteJsonAsync(request.ReadJson<Thing>(), cancellationToken).AsTask();

        using var response = await nodes.Client.PostAsync(Path, new StringContent("""{"full_count":1}"""));

        Assert.Equal("""{"full_count":1}""", await response.Content.ReadAsStringAsync());
    }

    private sealed record Thing(int FullCount);

    private sealed class UnreadableWorker : IExchangeHandler
    {
        public int Calls { get; private set; }

        public async Task HandleAsync(string channel, ReadOnlyMemory<byte> head, Exchange exchange, CancellationToken cancellationToken)
        {
            Calls++;
            await exchange.SendAsync("\u00ffof another version"u8.ToArray(), cancellationToken);
        }
    }
}
