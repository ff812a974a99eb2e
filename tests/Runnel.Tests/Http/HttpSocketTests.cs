using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Runnel.AspNetCore;
using Runnel.Links;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Http;

/// <summary>What holds for HTTP consumers behind Kestrel, where a connection carries one request after the other and has buffers.</summary>
[Collection(nameof(Metered))]
public sealed class HttpSocketTests
{
    private readonly HttpScript _script = new();

    private string Path => $"/scripted/{_script.Id}";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_connection_carries_one_request_with_a_body_after_the_other(bool chunked)
    {
        await using var app = await RunnelApp.StartAsync(Map);
        var connections = 0;
        using var client = new HttpMessageInvoker(new SocketsHttpHandler { ConnectCallback = ConnectAsync });

        var statuses = new List<HttpStatusCode>();
        foreach (var body in new[] { "small", "larger than it may be", "small" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(app.Address, Path)) { Content = new StringContent(body), Headers = { TransferEncodingChunked = chunked } };
            using var response = await Wait.For(client.SendAsync(request, CancellationToken.None), "the response");
            await response.Content.ReadAsStringAsync();
            statuses.Add(response.StatusCode);
        }

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.RequestEntityTooLarge, HttpStatusCode.OK], statuses);
        Assert.Equal(1, connections);

        async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
        {
            connections++;
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_header_that_the_server_refuses_is_a_500_and_the_connection_goes_on(bool inAWorker)
    {
        await using var app = await RunnelApp.StartAsync(Map, inAWorker: inAWorker);
        if (inAWorker)
            await WorkerAsync(app);
        _script.Answer = (request, response, cancellationToken) =>
        {
            response.Headers["X-Good"] = "good";
            response.Headers["X-Text"] = request.Scope.Query("text");
            return response.WriteAsync("text", cancellationToken).AsTask();
        };
        var client = await app.DialAsync();

        var heads = new List<string>();
        foreach (var text in new[] { "a%0Ab", "%C3%A9", "fine" })
        {
            await client.SendAsync($"GET {Path}?text={text} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            heads.Add(await client.ReadHeadAsync());
            if (text == "fine")
                break;
            Assert.Contains("Content-Length: 0", heads[^1], StringComparison.Ordinal);
        }

        Assert.Equal(["HTTP/1.1 500", "HTTP/1.1 500", "HTTP/1.1 200"], heads.Select(static head => head[..12]));
        Assert.DoesNotContain("X-Good", heads[0], StringComparison.Ordinal);
        Assert.Equal([2030, 2030], app.Logs.AtLeast(LogLevel.Error).Select(static entry => entry.Id));
    }

    [Fact]
    public async Task A_client_that_does_not_read_its_response_stops_the_consumer_in_the_worker_until_it_leaves()
    {
        const int Chunks = 1024; // 64 MiB, far more than all buffers on the way have room for
        await using var app = await RunnelApp.StartAsync(Map, inAWorker: true);
        await WorkerAsync(app);
        var (written, ended) = (0, new TaskCompletionSource<Exception?>());
        _script.Answer = async (_, response, cancellationToken) =>
        {
            try
            {
                for (; written < Chunks; Interlocked.Increment(ref written))
                    await response.WriteAsync(new byte[64 * 1024], cancellationToken);
                ended.SetResult(null);
            }
            catch (Exception exception)
            {
                ended.SetResult(exception);
                throw;
            }
        };
        var client = await app.DialAsync();

        await client.SendAsync($"GET {Path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        await SettleAsync(() => Volatile.Read(ref written));
        client.Dispose();

        Assert.NotNull(await Wait.For(ended.Task, "the consumer to hear that the client is gone"));
        Assert.InRange(written, 1, Chunks - 1);
    }

    [Fact]
    public async Task A_client_that_reads_slowly_is_not_cut_although_that_takes_longer_than_its_consumer_may()
    {
        const int Bytes = 16 * 1024 * 1024; // far more than all buffers on the way have room for
        var clock = new ManualTimeProvider();
        await using var app = await RunnelApp.StartAsync(Map, builder => builder.With(clock));
        var (began, ended) = (new TaskCompletionSource(), new TaskCompletionSource<Exception?>());
        _script.Answer = async (_, response, cancellationToken) =>
        {
            var writing = response.WriteAsync(new byte[Bytes], cancellationToken).AsTask();
            began.SetResult();
            ended.SetResult(await Record.ExceptionAsync(() => writing));
        };
        var client = await app.DialAsync();

        await client.SendAsync($"GET {Path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        await Wait.For(began.Task, "the consumer to write");
        Assert.False(ended.Task.IsCompleted);
        clock.Advance(2 * new HttpConsumerOptions().Timeout);
        await client.ReadHeadAsync();
        await client.ReadAsync(Bytes);

        Assert.Null(await Wait.For(ended.Task, "the end of the write"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_consumer_that_takes_too_long_after_its_response_has_begun_cuts_it_even_if_it_does_not_listen(bool inAWorker)
    {
        var clock = new ManualTimeProvider();
        await using var app = await RunnelApp.StartAsync(Map, builder => builder.With(clock).With(static (RunnelOptions options) => options.NodeLease = TimeSpan.FromMinutes(10)), inAWorker: inAWorker);
        if (inAWorker)
            await WorkerAsync(app);
        var go = new TaskCompletionSource();
        _script.Answer = async (_, response, cancellationToken) =>
        {
            await response.WriteAsync("half", cancellationToken);
            await go.Task;
        };
        var client = await app.DialAsync();

        await client.SendAsync($"GET {Path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200", await client.ReadHeadAsync(), StringComparison.Ordinal);
        var cut = Assert.ThrowsAsync<EndOfStreamException>(() => client.ReadAsync(1000));
        await clock.MoveUntil(new HttpConsumerOptions().Timeout, () => cut.IsCompleted, "the client is cut");

        await cut;
        go.SetResult();
    }

    // Waits until a number stays as it is.
    private static Task SettleAsync(Func<int> number)
    {
        var (seen, times) = (0, 0);
        return Wait.Until(
            () =>
            {
                times = number() is var now && now == seen && now > 0 ? times + 1 : 0;
                seen = now;
                return times == 10;
            },
            "the consumer waits");
    }

    private static Task WorkerAsync(RunnelApp app)
    {
        var workers = app.Services.GetRequiredService<WorkerTable>();
        return Wait.Until(() => workers.Of("http.request.scripted.script").Count == 1, "the gateway knows the worker");
    }

    private static void Map(WebApplication app) => app.MapHttpConsumer<ScriptedHttpConsumer>("/scripted/{script}", options => options.MaxBodyBytes = 10);
}
