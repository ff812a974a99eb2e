using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Http;

/// <summary>What holds for HTTP consumers, whether this node answers or a worker does.</summary>
[Collection(nameof(Metered))]
public sealed class HttpConsumerTests : ScriptedHttpTests
{
    private static readonly string[] OfOneHop = ["Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade"];

    private RunnelApp _answering = null!;

    public static TheoryData<bool> Modes => [false, true];

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_request_arrives_whole_and_so_does_its_response(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        var seen = new List<string?>();
        Script.Answer = async (request, response, cancellationToken) =>
        {
            var scope = request.Scope;
            seen.AddRange([request.Method, scope.Path, scope.Query("q"), scope.Header("X-Thing"), request.User.Identity?.Name, Encoding.UTF8.GetString(request.Body.Span)]);
            response.StatusCode = 201;
            response.Headers.Append("Set-Cookie", "a=1");
            response.Headers.Append("Set-Cookie", "b=2");
            foreach (var name in OfOneHop)
                response.Headers[name] = "of one hop";
            await response.WriteAsync("héllo ", cancellationToken);
            await response.WriteAsync("world", cancellationToken);
        };

        using var request = new HttpRequestMessage(HttpMethod.Put, $"/scripted/{Script.Id}?q=a%20b") { Content = new StringContent("the body"), Headers = { { "X-Thing", "1" } } };
        using var response = await client.SendAsync(request);

        Assert.Equal(["PUT", $"/scripted/{Script.Id}", "a b", "1", "ann", "the body"], seen);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal(["a=1", "b=2"], response.Headers.GetValues("Set-Cookie"));
        Assert.DoesNotContain(OfOneHop, response.Headers.Contains);
        Assert.Equal("text/plain; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        Assert.Equal("héllo world", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_large_body_arrives_and_one_over_the_limit_is_answered_with_413(bool inWorker)
    {
        using var counts = new Counts();
        var client = await StartAsync(inWorker);
        Script.Answer = (request, response, cancellationToken) => response.WriteAsync(request.Body, cancellationToken).AsTask();
        var body = new byte[1024 * 1024];
        new Random(1).NextBytes(body);

        using var echoed = await client.PostAsync(Path, new ByteArrayContent(body));
        using var refused = await client.PostAsync(Path, new ByteArrayContent([.. body, 0]));

        Assert.Equal(body, await echoed.Content.ReadAsByteArrayAsync());
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        Assert.Equal("The body of a request may have 1048576 bytes here.", await refused.Content.ReadAsStringAsync());
        Assert.Equal(1, counts[RunnelTelemetry.ConnectionsRefused, "too-large"]);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Json_is_read_and_written_as_that_of_the_web_and_says_so(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        Script.Answer = (request, response, cancellationToken) =>
        {
            var thing = request.ReadJson<Thing>()!;
            return response.WriteJsonAsync(thing with { FullCount = thing.FullCount + 1 }, cancellationToken).AsTask();
        };

        using var response = await client.PostAsync(Path, new StringContent("""{"name": "é", "fullCount": 1}"""));

        Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        Assert.Equal("""{"name":"é","fullCount":2}""", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_content_type_that_the_consumer_has_set_stays(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        Script.Answer = (_, response, cancellationToken) =>
        {
            response.Headers.ContentType = "text/csv";
            return response.WriteAsync("a;b", cancellationToken).AsTask();
        };

        using var response = await client.GetAsync(Path);

        Assert.Equal("text/csv", response.Content.Headers.ContentType?.ToString());
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_status_that_comes_too_late_is_refused_with_a_sentence(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        Script.Answer = async (_, response, cancellationToken) =>
        {
            await response.WriteAsync("begun. ", cancellationToken);
            var refusal = Assert.Throws<InvalidOperationException>(() => response.StatusCode = 404);
            await response.WriteAsync(refusal.Message, cancellationToken);
        };

        Assert.Equal("begun. The status cannot be set any more: the response has started. Set it before the first write.", await client.GetStringAsync(Path));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task What_a_consumer_writes_is_sent_at_once(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        var read = new TaskCompletionSource();
        Script.Answer = async (_, response, cancellationToken) =>
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
        Script.Answer = (_, response, _) =>
        {
            response.Headers["X-Thing"] = "of a response that was not given";
            throw new InvalidOperationException("The test lets it fail.");
        };

        using var response = await client.GetAsync(Path);

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.False(response.Headers.Contains("X-Thing"));
        Assert.Single(_answering.Logs.Of(2030));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_consumer_that_fails_when_its_response_has_begun_cuts_it(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        Script.Answer = async (_, response, cancellationToken) =>
        {
            await response.WriteAsync("half", cancellationToken);
            throw new InvalidOperationException("The test lets it fail.");
        };

        using var response = await client.GetAsync(Path, HttpCompletionOption.ResponseHeadersRead);

        await Assert.ThrowsAsync<HttpRequestException>(() => Wait.For(response.Content.ReadAsStringAsync(), "the cut"));
        Assert.Single(_answering.Logs.Of(2030));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Headers_of_up_to_64_KiB_arrive_and_larger_ones_are_a_500(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        var (calls, length) = (0, 65_000);
        Script.Answer = (_, response, _) =>
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
        Assert.Single(_answering.Logs.Of(2030));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_consumer_that_takes_too_long_is_a_504_and_hears_it(bool inWorker)
    {
        using var counts = new Counts();
        var client = await StartAsync(inWorker);
        var (began, cancelled) = (new TaskCompletionSource(), new TaskCompletionSource());
        Script.Answer = async (_, _, cancellationToken) =>
        {
            began.TrySetResult();
            await ForEver(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancelled.TrySetResult();
        };

        var asked = await AskInVainAsync(client, began.Task);

        Assert.Equal(asked, counts[RunnelTelemetry.ConnectionsRefused, "timeout"]);
        await Wait.For(cancelled.Task, "the consumer to hear it");
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_consumer_that_hears_of_the_end_before_the_server_does_is_a_504_too(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        var began = new TaskCompletionSource();
        Script.Answer = async (_, _, cancellationToken) =>
        {
            await Task.Yield(); // whoever waits for a token last hears of it first
            var never = new TaskCompletionSource();
            await using var _ = cancellationToken.UnsafeRegister(static never => ((TaskCompletionSource)never!).SetCanceled(), never);
            began.TrySetResult();
            await never.Task;
        };

        await AskInVainAsync(client, began.Task);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_client_that_goes_away_cancels_the_consumer(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        var (began, cancelled) = (new TaskCompletionSource(), new TaskCompletionSource());
        Script.Answer = async (_, _, cancellationToken) =>
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

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task What_lets_a_client_in_does_not_go_to_a_worker(bool inWorker)
    {
        var client = await StartAsync(inWorker);
        Script.Answer = (request, response, cancellationToken) => response.WriteAsync($"{request.Scope.Header("Cookie")}|{request.Scope.Header("Authorization")}", cancellationToken).AsTask();
        using var request = new HttpRequestMessage(HttpMethod.Get, Path) { Headers = { { "Cookie", "secret=1" }, { "Authorization", "Bearer x" } } };

        using var response = await client.SendAsync(request);

        Assert.Equal(inWorker ? "|" : "secret=1|Bearer x", await response.Content.ReadAsStringAsync());
    }

    private sealed record Thing(string Name, int FullCount);

    // Asks for something that takes too long; again if the time is over before a worker has begun, for then there is no consumer to hear it.
    private async Task<int> AskInVainAsync(HttpClient client, Task began)
    {
        var asked = 0;
        await Wait.Until(
            async () =>
            {
                using var response = await client.GetAsync($"/impatient/{Script.Id}");
                asked++;
                Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
                return began.IsCompleted;
            },
            "the consumer has begun");
        return asked;
    }

    private async Task<HttpClient> StartAsync(bool inWorker)
    {
        var nodes = await StartAsync(inWorker ? 1 : null);
        _answering = inWorker ? nodes.Workers[0] : nodes.Gateway;
        return nodes.Client;
    }
}
