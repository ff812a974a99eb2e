using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.AspNetCore.Admission;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>Streams of a job's events as connections: how many there may be, how they are kept open, and when they are over.</summary>
public sealed class JobEventsTests
{
    private static readonly SendOptions Later = new() { Delay = TimeSpan.FromDays(1) };

    [Fact]
    public async Task A_stream_without_news_has_a_comment_in_every_keep_alive_interval()
    {
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask, gateway: gateway => gateway.KeepAliveInterval = TimeSpan.FromSeconds(15));
        using var response = await app.GetAsync($"/jobs/{await app.SendAsync(Later)}/events");
        using var events = new StreamReader(await response.Content.ReadAsStreamAsync());
        await ReadEventAsync(events);

        app.Clock.Advance(TimeSpan.FromSeconds(15));
        var first = await ReadEventAsync(events);
        app.Clock.Advance(TimeSpan.FromSeconds(15));
        var second = await ReadEventAsync(events);

        Assert.Equal((":", ":"), (first, second));
    }

    [Theory]
    [InlineData(2, 100, HttpStatusCode.TooManyRequests)]
    [InlineData(100, 2, HttpStatusCode.ServiceUnavailable)]
    public async Task Streams_and_sockets_together_are_bounded(int perAddress, int perNode, HttpStatusCode refusal)
    {
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask, gateway: gateway => (gateway.MaxConnectionsPerAddress, gateway.MaxConnections) = (perAddress, perNode));
        var id = await app.SendAsync(Later);
        using var socket = await app.OpenSocketAsync($"/jobs/{id}/socket");
        using var stream = await app.GetAsync($"/jobs/{id}/events");

        using var refused = await app.GetAsync($"/jobs/{id}/events");
        using var state = await app.GetAsync($"/jobs/{id}");
        stream.Dispose();
        await Wait.Until(
            async () =>
            {
                using var again = await app.GetAsync($"/jobs/{id}/events");
                return again.StatusCode == HttpStatusCode.OK;
            },
            "there is room for another stream");

        Assert.Equal((refusal, TimeSpan.FromSeconds(5)), (refused.StatusCode, refused.Headers.RetryAfter!.Delta));
        Assert.Equal(HttpStatusCode.OK, state.StatusCode);
    }

    [Fact]
    public async Task A_stream_may_be_open_for_longer_than_a_request_may_take()
    {
        var timeout = new RequestTimeout();
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask, services: services => services.AddSingleton<IStartupFilter>(timeout));

        using var stream = await app.GetAsync($"/jobs/{await app.SendAsync(Later)}/events");

        Assert.True(timeout.IsDisabled);
    }

    [Fact]
    public async Task Who_has_seen_the_end_is_told_to_stay_away_and_who_has_not_is_told_the_end()
    {
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask);
        var id = await app.SendAsync();
        await app.EndAsync(id);

        using var first = await app.GetAsync($"/jobs/{id}/events", ("Last-Event-ID", "17"));
        var last = await first.Content.ReadAsStringAsync();
        using var second = await app.GetAsync($"/jobs/{id}/events", ("Last-Event-ID", IdOf(last)));

        Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (first.StatusCode, first.Content.Headers.ContentType?.MediaType));
        Assert.Equal((true, "no"), (first.Headers.CacheControl?.NoStore, first.Headers.GetValues("X-Accel-Buffering").Single()));
        Assert.Contains("\"state\":\"succeeded\"", last, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.NoContent, ""), (second.StatusCode, await second.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Who_comes_back_to_a_job_that_goes_on_is_told_its_end()
    {
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask);
        var id = await app.SendAsync(Later);
        using var first = await app.GetAsync($"/jobs/{id}/events");
        using var events = new StreamReader(await first.Content.ReadAsStreamAsync());

        using var second = await app.GetAsync($"/jobs/{id}/events", ("Last-Event-ID", IdOf(await ReadEventAsync(events))));
        await app.Jobs.CancelAsync("payments", id);

        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        Assert.Contains("\"state\":\"cancelled\"", await Wait.For(second.Content.ReadAsStringAsync(), "the end"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_ends_when_its_node_stops_and_its_client_is_told_when_to_come_back()
    {
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask, gateway: gateway => gateway.ReconnectWindow = TimeSpan.Zero);
        using var stream = await app.GetAsync($"/jobs/{await app.SendAsync(Later)}/events");
        using var events = new StreamReader(await stream.Content.ReadAsStreamAsync());
        await ReadEventAsync(events);

        app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        Assert.Equal("retry: 0\n\n", await Wait.For(events.ReadToEndAsync(), "the end of the stream"));
    }

    [Fact]
    public async Task Clients_are_told_milliseconds_of_the_whole_window()
    {
        const int Streams = 5;
        var window = TimeSpan.FromHours(1);
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask, gateway: gateway => (gateway.ReconnectWindow, gateway.DrainTime) = (window, TimeSpan.Zero));
        var id = await app.SendAsync(Later);
        var streams = new List<HttpResponseMessage>();
        for (var number = 0; number < Streams; number++)
            streams.Add(await app.GetAsync($"/jobs/{id}/events"));

        app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        var told = new List<int>();
        foreach (var stream in streams)
        {
            var said = await Wait.For(stream.Content.ReadAsStringAsync(), "the end of the stream");
            told.Add(int.Parse(said.Split("retry: ")[1], CultureInfo.InvariantCulture));
            stream.Dispose();
        }

        Assert.NotEqual(1, told.Distinct().Count()); // they do not come back together
        Assert.All(told, wait => Assert.InRange(wait, 0, (int)window.TotalMilliseconds));
        Assert.True(told.Max() > window.TotalSeconds, string.Join(' ', told));
    }

    [Fact]
    public async Task A_node_that_closes_takes_no_stream_any_more()
    {
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask);
        var id = await app.SendAsync(Later);

        app.Services.GetRequiredService<Drain>().BeginClosing();
        using var refused = await app.GetAsync($"/jobs/{id}/events");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(5)), (refused.StatusCode, refused.Headers.RetryAfter?.Delta));
    }

    [Fact]
    public async Task A_client_that_vanishes_leaves_no_subscription_by_a_stream_nor_by_a_socket()
    {
        var backplane = new HeldBackplane(new InMemoryBackplane(TimeProvider.System));
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask, services: services => services.AddSingleton<IBackplane>(backplane));
        var id = await app.SendAsync(Later);
        await app.EndAsync(await app.SendAsync()); // so that the worker has subscribed to what it needs
        var before = backplane.Live;
        var stream = await app.GetAsync($"/jobs/{id}/events");
        using var socket = await app.OpenSocketAsync($"/jobs/{id}/socket");
        await Wait.For(socket.ReceiveAsync(new byte[4096], CancellationToken.None), "the present state");
        await Wait.Until(() => backplane.Live == before + 2, "both follow the job");

        stream.Dispose();
        await Wait.Until(() => backplane.Live == before + 1, "the stream's subscription has ended");
        socket.Abort();

        await Wait.Until(() => backplane.Live == before, "the socket's subscription has ended");
    }

    [Fact]
    public async Task A_socket_is_closed_with_a_code_to_stay_away_when_its_job_has_ended_or_there_is_none()
    {
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask);
        var id = await app.SendAsync();
        await app.EndAsync(id);

        using var ended = await app.OpenSocketAsync($"/jobs/{id}/socket");
        using var unknown = await app.OpenSocketAsync("/jobs/00000000000000000000000000000000/socket");

        Assert.Equal((4410, "The job has ended."), await CloseOfAsync(ended));
        Assert.Equal((4404, "There is no such job, or its state is no longer kept."), await CloseOfAsync(unknown));
    }

    private static async Task<(int Code, string? Reason)> CloseOfAsync(System.Net.WebSockets.ClientWebSocket socket)
    {
        var buffer = new byte[4096];
        while (socket.CloseStatus is null)
            await Wait.For(socket.ReceiveAsync(buffer, CancellationToken.None), "the close");
        return ((int)socket.CloseStatus, socket.CloseStatusDescription);
    }

    private static string IdOf(string sent) => sent.Split('\n').Single(line => line.StartsWith("id: ", StringComparison.Ordinal))["id: ".Length..];

    private static async Task<string> ReadEventAsync(StreamReader events)
    {
        var lines = new List<string>();
        while (await Wait.For(events.ReadLineAsync(), "a line of the stream") is { Length: > 0 } line)
            lines.Add(line);
        return string.Join('\n', lines);
    }
}
