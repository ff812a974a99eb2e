using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Runnel.AspNetCore;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>Jobs over HTTP, from a real server.</summary>
public sealed class JobEndpointTests : IAsyncLifetime
{
    private readonly Inbox<JobContext> _began = new();
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _mayStop = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Func<Task>? _beforeCancel;
    private WebApplication _app = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddRunnel();
        builder.Services.Configure<JsonOptions>(options =>
        {
            options.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseUpper;
            options.SerializerOptions.DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull;
        });
        _app = builder.Build();
        _app.MapChannel("payments", async (Pay pay, JobContext job, CancellationToken token) =>
        {
            _began.Add(job);
            try
            {
                await _goOn.Task.WaitAsync(token);
            }
            catch (OperationCanceledException)
            {
                await _mayStop.Task;
                throw;
            }
            return new Refund(pay.Order, 7);
        }, options => (options.Track, options.Cancellable) = (true, true));
        _app.MapJobs("/jobs", (JobsEndpointOptions options) =>
        {
            options.MaySee = (context, status) => new(!context.Request.Query.ContainsKey("stranger"));
            options.MayCancel = async (context, status) =>
            {
                if (_beforeCancel is { } before)
                    await before();
                return !context.Request.Query.ContainsKey("reader");
            };
        });
        await _app.StartAsync();
        var address = _app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single();
        _http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = new Uri(address), Timeout = Wait.Limit };
    }

    public async ValueTask DisposeAsync()
    {
        _goOn.TrySetResult();
        _mayStop.TrySetResult();
        _http.Dispose();
        await Wait.For(_app.StopAsync(), "the server to stop");
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task A_job_has_one_shape_whatever_the_application_says_of_json()
    {
        var id = await SendAsync();
        await _began.NextAsync();

        using var response = await _http.GetAsync(At($"/jobs/{id}"));
        var job = await response.Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal("no-store", response.Headers.CacheControl!.ToString());
        Assert.Equal(
            ["id", "channel", "state", "progress", "text", "attempt", "error", "result", "createdAt", "updatedAt", "expiresAt"],
            job.EnumerateObject().Select(property => property.Name));
        Assert.Equal((id, "payments", "running", 1), (Text(job, "id"), Text(job, "channel"), Text(job, "state"), job.GetProperty("attempt").GetInt32()));
    }

    [Theory]
    [InlineData("/jobs/nonsense")]
    [InlineData("/jobs/00000000000000000000000000000000")]
    [InlineData("/jobs/nonsense/events")]
    [InlineData("/jobs/nonsense/socket")]
    public async Task A_job_that_there_is_not_is_not_found(string path)
    {
        using var response = await _http.GetAsync(At(path));

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.DoesNotContain("nonsense", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal); // a client's own text is not repeated
    }

    [Fact]
    public async Task Events_begin_with_the_present_state_and_end_with_the_final_one()
    {
        var id = await SendAsync();
        var job = await _began.NextAsync();
        await using var stream = await _http.GetStreamAsync(At($"/jobs/{id}/events"));
        await using var events = SseParser.Create(stream).EnumerateAsync().GetAsyncEnumerator();

        await Wait.For(events.MoveNextAsync().AsTask(), "the present state");
        var first = events.Current;
        await job.ReportAsync(0.5, "half");
        await Wait.For(events.MoveNextAsync().AsTask(), "the progress");
        var second = JsonElement.Parse(events.Current.Data);
        _goOn.SetResult();
        await Wait.For(events.MoveNextAsync().AsTask(), "the end");
        var last = JsonElement.Parse(events.Current.Data);
        var isOver = !await Wait.For(events.MoveNextAsync().AsTask(), "the stream to end");

        Assert.Equal(("state", "running"), (first.EventType, Text(JsonElement.Parse(first.Data), "state")));
        Assert.Equal((0.5, "half"), (second.GetProperty("progress").GetDouble(), Text(second, "text")));
        Assert.Equal(("succeeded", 7), (Text(last, "state"), last.GetProperty("result").GetProperty("cents").GetInt32()));
        Assert.True(isOver);
    }

    [Fact]
    public async Task A_socket_follows_a_job_to_its_end_and_is_closed_then()
    {
        var id = await SendAsync();
        await _began.NextAsync();
        using var socket = new ClientWebSocket();
        await Wait.For(socket.ConnectAsync(new UriBuilder(_http.BaseAddress!) { Scheme = "ws", Path = $"/jobs/{id}/socket" }.Uri, CancellationToken.None), "the socket");

        var first = await ReceiveAsync(socket);
        _goOn.SetResult();
        var last = await ReceiveAsync(socket);
        var close = await Wait.For(socket.ReceiveAsync(new byte[1024], CancellationToken.None), "the close");

        Assert.Contains("\"state\":\"running\"", first, StringComparison.Ordinal);
        Assert.Contains("\"state\":\"succeeded\"", last, StringComparison.Ordinal);
        Assert.Equal(4410, (int?)close.CloseStatus);
    }

    [Fact]
    public async Task A_job_that_expires_while_pages_are_open_ends_on_them()
    {
        var id = await SendAsync(TimeSpan.FromHours(1), expiry: TimeSpan.FromSeconds(10)); // so that the pages are open by then
        using var socket = new ClientWebSocket();
        await Wait.For(socket.ConnectAsync(new UriBuilder(_http.BaseAddress!) { Scheme = "ws", Path = $"/jobs/{id}/socket" }.Uri, CancellationToken.None), "the socket");
        await using var stream = await _http.GetStreamAsync(At($"/jobs/{id}/events"));

        var onSocket = (await ReceiveAsync(socket), await ReceiveAsync(socket));
        var close = await Wait.For(socket.ReceiveAsync(new byte[1024], CancellationToken.None), "the close");
        var events = await Wait.For(SseParser.Create(stream).EnumerateAsync().Select(state => state.Data).ToListAsync().AsTask(), "the events to end");
        var present = await _http.GetFromJsonAsync<JsonElement>(At($"/jobs/{id}"));

        Assert.Contains("\"state\":\"scheduled\"", onSocket.Item1, StringComparison.Ordinal);
        Assert.Contains("\"error\":\"It expired", onSocket.Item2, StringComparison.Ordinal);
        Assert.Equal(4410, (int?)close.CloseStatus);
        Assert.Equal(["scheduled", "dead"], events.Select(data => Text(JsonElement.Parse(data), "state")));
        Assert.Equal("dead", Text(present, "state"));
    }

    [Fact]
    public async Task A_job_that_waits_is_cancelled_at_once_and_one_that_runs_soon_and_one_that_has_ended_not_at_all()
    {
        var waiting = await SendAsync(TimeSpan.FromHours(1));
        var running = await SendAsync();
        await _began.NextAsync();

        using var first = await _http.DeleteAsync(At($"/jobs/{waiting}"));
        using var second = await _http.DeleteAsync(At($"/jobs/{running}"));
        _mayStop.SetResult();
        var last = await EndAsync(running);
        using var third = await _http.DeleteAsync(At($"/jobs/{running}"));

        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal("cancelled", Text(await first.Content.ReadFromJsonAsync<JsonElement>(), "state"));
        Assert.Equal(HttpStatusCode.Accepted, second.StatusCode);
        Assert.Equal(JobState.Cancelled, last.State);
        Assert.Equal(HttpStatusCode.Conflict, third.StatusCode);
        Assert.Contains("it is cancelled", await third.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_stops_before_the_answer_is_answered_as_cancelled()
    {
        var id = await SendAsync();
        await _began.NextAsync();
        _mayStop.SetResult();
        _beforeCancel = async () =>
        {
            await Jobs.CancelAsync("payments", IdOf(id));
            await EndAsync(id);
        };

        using var response = await _http.DeleteAsync(At($"/jobs/{id}"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("cancelled", Text(await response.Content.ReadFromJsonAsync<JsonElement>(), "state"));
    }

    [Fact]
    public async Task A_job_that_succeeds_before_it_can_be_cancelled_has_ended_already()
    {
        var id = await SendAsync();
        await _began.NextAsync();
        _beforeCancel = async () =>
        {
            _goOn.SetResult();
            await EndAsync(id);
        };

        using var response = await _http.DeleteAsync(At($"/jobs/{id}"));

        Assert.Equal(HttpStatusCode.Conflict, response.StatusCode);
        Assert.Contains("it is succeeded", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_may_not_see_a_job_does_not_find_it_and_who_may_not_cancel_it_is_told_so()
    {
        var id = await SendAsync(TimeSpan.FromHours(1));

        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(HttpMethod.Get, "?stranger"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(HttpMethod.Get, "/events?stranger"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(HttpMethod.Get, "/socket?stranger"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(HttpMethod.Delete, "?stranger"));
        Assert.Equal(4404, await CloseOfSocketAsync(id, "?stranger"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(HttpMethod.Delete, "?reader"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(HttpMethod.Get, "?reader"));

        async Task<HttpStatusCode> StatusAsync(HttpMethod method, string rest)
        {
            using var request = new HttpRequestMessage(method, At($"/jobs/{id}{rest}"));
            using var response = await _http.SendAsync(request);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task A_server_that_stops_does_not_wait_for_those_who_follow_a_job()
    {
        var id = await SendAsync(TimeSpan.FromHours(1));
        await using var stream = await _http.GetStreamAsync(At($"/jobs/{id}/events"));
        await using var events = SseParser.Create(stream).EnumerateAsync().GetAsyncEnumerator();
        await Wait.For(events.MoveNextAsync().AsTask(), "the present state");

        var stopping = _app.StopAsync();

        Assert.False(await Wait.For(events.MoveNextAsync().AsTask(), "the stream to end"));
        await Wait.For(stopping, "the server to stop");
    }

    private async Task<int?> CloseOfSocketAsync(string id, string query)
    {
        using var socket = new ClientWebSocket();
        await Wait.For(socket.ConnectAsync(new UriBuilder(_http.BaseAddress!) { Scheme = "ws", Path = $"/jobs/{id}/socket", Query = query }.Uri, CancellationToken.None), "the socket");
        return (int?)(await Wait.For(socket.ReceiveAsync(new byte[1024], CancellationToken.None), "the close")).CloseStatus;
    }

    private async Task<string> SendAsync(TimeSpan delay = default, TimeSpan? expiry = null) =>
        (await _app.Services.GetRequiredService<IChannels>().SendAsync("payments", new Pay("1"), new SendOptions { Delay = delay, Expiry = expiry })).Id.ToString();

    private IJobs Jobs => _app.Services.GetRequiredService<IJobs>();

    private Task<JobStatus> EndAsync(string id) => Wait.For(Jobs.WatchAsync(IdOf(id)).LastAsync().AsTask(), "the job's end");

    private static Uri At(string path) => new(path, UriKind.Relative);

    private static MessageId IdOf(string text) => MessageId.TryParse(text, out var id) ? id : throw new FormatException(text);

    private static string? Text(JsonElement job, string name) => job.GetProperty(name).GetString();

    private static async Task<string> ReceiveAsync(ClientWebSocket socket)
    {
        var buffer = new byte[4096];
        var received = await Wait.For(socket.ReceiveAsync(buffer, CancellationToken.None), "a state");
        return Encoding.UTF8.GetString(buffer, 0, received.Count);
    }
}
