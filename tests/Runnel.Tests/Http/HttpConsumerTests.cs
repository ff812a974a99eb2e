using System.Net;
using System.Security.Claims;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Tests.Links;
using Xunit;

namespace Runnel.Tests.Http;

/// <summary>What holds for HTTP consumers, whether this node answers or a worker does.</summary>
[Collection(nameof(Metered))]
public sealed class HttpConsumerTests : IAsyncDisposable
{
    private readonly InMemoryBackplane _shared = new(TimeProvider.System);
    private readonly HttpScript _script = new();
    private HttpNodes? _nodes;

    public static TheoryData<bool> Modes => [false, true];

    public ValueTask DisposeAsync() => _nodes?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_request_arrives_whole_and_so_does_its_response(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        var seen = new List<string?>();
        _script.Answer = async (request, response, cancellationToken) =>
        {
            var scope = request.Scope;
            seen.AddRange([request.Method, scope.Path, scope.Query("q"), scope.Header("X-Thing"), request.User.Identity?.Name, Encoding.UTF8.GetString(request.Body.Span)]);
            response.StatusCode = 201;
            response.Headers.Append("Set-Cookie", "a=1");
            response.Headers.Append("Set-Cookie", "b=2");
            response.Headers["Keep-Alive"] = "of one hop";
            await response.WriteAsync("héllo ", cancellationToken);
            await response.WriteAsync("world", cancellationToken);
        };

        using var request = new HttpRequestMessage(HttpMethod.Put, $"/scripted/{_script.Id}?q=a%20b") { Content = new StringContent("the body"), Headers = { { "X-Thing", "1" } } };
        using var response = await client.SendAsync(request);

        Assert.Equal(["PUT", $"/scripted/{_script.Id}", "a b", "1", "ann", "the body"], seen);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal(["a=1", "b=2"], response.Headers.GetValues("Set-Cookie"));
        Assert.False(response.Headers.Contains("Keep-Alive"));
        Assert.Equal("text/plain; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        Assert.Equal("héllo world", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_large_body_arrives_and_one_over_the_limit_is_answered_with_413(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        _script.Answer = (request, response, cancellationToken) => response.WriteAsync(request.Body, cancellationToken).AsTask();
        var body = new byte[1024 * 1024];
        new Random(1).NextBytes(body);

        using var echoed = await client.PostAsync(Path, new ByteArrayContent(body));
        using var refused = await client.PostAsync(Path, new ByteArrayContent([.. body, 0]));

        Assert.Equal(body, await echoed.Content.ReadAsByteArrayAsync());
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task What_a_consumer_writes_is_sent_at_once(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        var read = new TaskCompletionSource();
        _script.Answer = async (_, response, cancellationToken) =>
        {
            await response.WriteAsync("first,", cancellationToken);
            await read.Task;
            await response.WriteAsync("second", cancellationToken);
        };

        using var response = await client.GetAsync(Path, HttpCompletionOption.ResponseHeadersRead);
        await using var body = await response.Content.ReadAsStreamAsync();
        var first = new byte[6];
        await Wait.For(body.ReadExactlyAsync(first).AsTask(), "the first part");
        read.SetResult();

        Assert.Equal("first,", Encoding.UTF8.GetString(first));
        Assert.Equal("second", await new StreamReader(body).ReadToEndAsync());
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_consumer_that_fails_is_a_500_and_is_logged_once(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        _script.Answer = (_, response, _) =>
        {
            response.Headers["X-Thing"] = "of a response that was not given";
            throw new InvalidOperationException("The test lets it fail.");
        };

        using var response = await client.GetAsync(Path);

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.False(response.Headers.Contains("X-Thing"));
        Assert.Single(Answering.Logs.Of(2030));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_consumer_that_fails_when_its_response_has_begun_cuts_it(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        _script.Answer = async (_, response, cancellationToken) =>
        {
            await response.WriteAsync("half", cancellationToken);
            throw new InvalidOperationException("The test lets it fail.");
        };

        using var response = await client.GetAsync(Path, HttpCompletionOption.ResponseHeadersRead);

        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsStringAsync());
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Headers_of_up_to_64_KiB_arrive_and_larger_ones_are_a_500(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        var (calls, length) = (0, 65_000);
        _script.Answer = (_, response, _) =>
        {
            calls++;
            response.Headers["X-Large"] = new string('x', length);
            return Task.CompletedTask;
        };

        using var large = await client.GetAsync(Path);
        length = 70_000;
        using var tooLarge = await client.GetAsync(Path);

        Assert.Equal(65_000, large.Headers.GetValues("X-Large").Single().Length);
        Assert.Equal(HttpStatusCode.InternalServerError, tooLarge.StatusCode);
        Assert.Equal(2, calls);
        Assert.Single(Answering.Logs.Of(2030));
    }

    [Fact]
    public async Task A_response_that_the_gateway_cannot_read_is_a_502_and_the_request_is_not_repeated()
    {
        var worker = new UnreadableWorker();
        _nodes = await HttpNodes.StartAsync(Open, Map, workers: 1, services => services.Replace(ServiceDescriptor.Singleton<IExchangeHandler>(worker)));

        using var response = await _nodes.Client.GetAsync(Path);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(1, worker.Calls);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_consumer_that_takes_too_long_is_a_504_and_hears_it(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        var cancelled = new TaskCompletionSource();
        _script.Answer = async (_, _, cancellationToken) =>
        {
            await ForEver(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancelled.SetResult();
        };

        using var response = await client.GetAsync($"/impatient/{_script.Id}");

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        await Wait.For(cancelled.Task, "the consumer to hear it");
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_client_that_goes_away_cancels_the_consumer(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        var (began, cancelled) = (new TaskCompletionSource(), new TaskCompletionSource());
        _script.Answer = async (_, _, cancellationToken) =>
        {
            began.SetResult();
            await ForEver(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancelled.SetResult();
        };
        using var leaving = new CancellationTokenSource();

        var request = client.GetAsync(Path, leaving.Token);
        await Wait.For(began.Task, "the consumer to begin");
        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await Wait.For(cancelled.Task, "the consumer to hear it");
    }

    [Fact]
    public async Task Without_a_worker_a_client_is_told_to_come_back()
    {
        _nodes = await HttpNodes.StartAsync(Open, Map, workers: 0);

        using var response = await _nodes.Client.GetAsync(Path);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
    }

    [Fact]
    public async Task A_request_beyond_what_all_workers_take_is_a_503()
    {
        _nodes = await HttpNodes.StartAsync(Open, Map, workers: 2, services => services.Configure<HandoverOptions>(options => options.MaxRequests = 1));
        var (began, go) = (0, new TaskCompletionSource());
        _script.Answer = (_, _, _) =>
        {
            Interlocked.Increment(ref began);
            return go.Task;
        };
        var taken = new[] { _nodes.Client.PostAsync(Path, null), _nodes.Client.PostAsync(Path, null) };
        await Wait.Until(() => Volatile.Read(ref began) == 2, "both workers have one");

        using var third = await _nodes.Client.PostAsync(Path, null);
        go.SetResult();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, third.StatusCode);
        Assert.NotNull(third.Headers.RetryAfter);
        foreach (var response in await Wait.For(Task.WhenAll(taken), "the others"))
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("GET", HttpStatusCode.OK)]
    [InlineData("POST", HttpStatusCode.BadGateway)]
    public async Task A_request_whose_worker_dies_is_repeated_elsewhere_only_if_that_is_safe(string method, HttpStatusCode expected)
    {
        _nodes = await HttpNodes.StartAsync(Open, Map, workers: 2);
        var calls = 0;
        var began = new TaskCompletionSource();
        _script.Answer = async (request, response, cancellationToken) =>
        {
            if (Interlocked.Increment(ref calls) == 1)
            {
                began.SetResult();
                await ForEver(cancellationToken);
            }
            await response.WriteAsync("answered", cancellationToken);
        };

        var asking = _nodes.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), Path));
        await Wait.For(began.Task, "a worker to have it");
        _nodes.Lose(_nodes.Workers.Single(worker => worker.Services.GetRequiredService<WorkerExchanges>().Answering == 1));
        using var response = await Wait.For(asking, "the response");

        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task A_request_whose_workers_die_is_given_up_after_three_of_them()
    {
        _nodes = await HttpNodes.StartAsync(Open, Map, workers: 4);
        using var began = new SemaphoreSlim(0);
        _script.Answer = async (_, _, cancellationToken) =>
        {
            began.Release();
            await ForEver(cancellationToken);
        };

        var asking = _nodes.Client.GetAsync(Path);
        for (var death = 1; death <= 3; death++)
        {
            await Wait.For(began.WaitAsync(), "a worker to have it");
            _nodes.Lose(_nodes.Workers.Single(worker => _nodes.Gateway.Services.GetRequiredService<WorkerExchanges>().Load.ContainsKey(worker.Node.Id)));
        }
        using var response = await Wait.For(asking, "the response");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
    }

    [Fact]
    public async Task A_worker_that_stops_answers_what_it_has_first()
    {
        var client = await StartAsync(inWorker: true);
        var (began, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        _script.Answer = async (_, response, cancellationToken) =>
        {
            began.SetResult();
            await go.Task;
            await response.WriteAsync("answered", cancellationToken);
        };
        var asking = client.GetStringAsync(Path);
        await Wait.For(began.Task, "the worker to have it");

        var stopping = Answering.StopAsync();
        await Wait.Until(() => Answering.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested, "the worker stops");
        go.SetResult();

        Assert.Equal("answered", await Wait.For(asking, "the answer"));
        await stopping;
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task What_lets_a_client_in_does_not_go_to_a_worker(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        _script.Answer = (request, response, cancellationToken) => response.WriteAsync($"{request.Scope.Header("Cookie")}|{request.Scope.Header("Authorization")}", cancellationToken).AsTask();
        using var request = new HttpRequestMessage(HttpMethod.Get, Path) { Headers = { { "Cookie", "secret=1" }, { "Authorization", "Bearer x" } } };

        using var response = await client.SendAsync(request);

        Assert.Equal(inWorker ? "|" : "secret=1|Bearer x", await response.Content.ReadAsStringAsync());
    }

    private string Path => $"/scripted/{_script.Id}";

    private RunnelApp Answering => _nodes!.Workers.Count > 0 ? _nodes.Workers[0] : _nodes.Gateway;

    internal static void Map(WebApplication app)
    {
        app.Use(async (context, next) =>
        {
            context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, "ann")], "test"));
            await next(context);
        });
        app.MapHttpConsumer<ScriptedHttpConsumer>("/scripted/{script}");
        app.MapHttpConsumer<ScriptedHttpConsumer>("/impatient/{script}", options => options.Timeout = TimeSpan.FromMilliseconds(50));
    }

    private static Task ForEver(CancellationToken cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);

    private LinkWire Open() => new(_shared);

    private async Task<HttpClient> StartAsync(bool inWorker)
    {
        _nodes = await HttpNodes.StartAsync(Open, Map, inWorker ? 1 : null);
        return _nodes.Client;
    }
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
