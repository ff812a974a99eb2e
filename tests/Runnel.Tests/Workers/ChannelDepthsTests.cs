using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Tests.Toy;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>How full the channels are, for whoever scales the workers.</summary>
public sealed class ChannelDepthsTests
{
    [Fact]
    public async Task Channels_are_told_in_the_text_of_Prometheus_and_an_empty_one_is_told_too()
    {
        var clock = new ManualTimeProvider();
        await using var app = await StartAsync(builder => builder.With(clock));
        var channels = app.Services.GetRequiredService<IChannels>();
        await channels.SendAsync("tasks", "first");
        await channels.SendAsync("tasks", "later", new SendOptions { Delay = TimeSpan.FromHours(1) });
        clock.Advance(TimeSpan.FromSeconds(90));

        using var answer = await app.Server.CreateClient().GetAsync(new Uri("/metrics/channels", UriKind.Relative));
        var text = await answer.Content.ReadAsStringAsync();

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
        Assert.Equal(
            """
            runnel_channel_messages{channel="mail",state="ready"} 0
            runnel_channel_messages{channel="mail",state="scheduled"} 0
            runnel_channel_messages{channel="mail",state="blocked"} 0
            runnel_channel_messages{channel="mail",state="in_flight"} 0
            runnel_channel_messages{channel="mail",state="dead"} 0
            runnel_channel_messages{channel="tasks",state="ready"} 1
            runnel_channel_messages{channel="tasks",state="scheduled"} 1
            runnel_channel_messages{channel="tasks",state="blocked"} 0
            runnel_channel_messages{channel="tasks",state="in_flight"} 0
            runnel_channel_messages{channel="tasks",state="dead"} 0
            runnel_channel_oldest_ready_seconds{channel="mail"} 0
            runnel_channel_oldest_ready_seconds{channel="tasks"} 90
            """,
            string.Join('\n', text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#')));
        Assert.Equal(2, text.Split('\n').Count(line => line.StartsWith("# TYPE ", StringComparison.Ordinal) && line.EndsWith(" gauge", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Each_number_stands_where_it_belongs()
    {
        var clock = new ManualTimeProvider();
        var layer = new Operator { Status = new("tasks", Ready: 1, Scheduled: 2, Blocked: 3, InFlight: 4, Dead: 5, OldestReady: clock.GetUtcNow().AddSeconds(7)) };
        await using var app = await StartAsync(builder => builder.With(clock).Services.AddSingleton<IWorkQueueOperator>(layer).AddSingleton<IWorkQueue>(new InMemoryWorkQueue(clock)));
        using var http = app.Server.CreateClient();

        var text = await http.GetStringAsync(new Uri("/metrics/channels", UriKind.Relative));

        Assert.Equal(
            ["ready\"} 1", "scheduled\"} 2", "blocked\"} 3", "in_flight\"} 4", "dead\"} 5"],
            text.Split('\n').Where(line => line.StartsWith("runnel_channel_messages{channel=\"tasks\",state=\"", StringComparison.Ordinal)).Select(line => line.Split("state=\"")[1]));
        Assert.Contains("runnel_channel_oldest_ready_seconds{channel=\"tasks\"} 0\n", text, StringComparison.Ordinal); // its sender's clock is ahead
    }

    [Fact]
    public async Task What_a_layer_does_not_tell_is_left_out_and_a_layer_that_is_away_is_a_503()
    {
        var layer = new Operator();
        var inner = new InMemoryWorkQueue(new ManualTimeProvider());
        await using var app = await StartAsync(builder => builder.Services.AddSingleton<IWorkQueueOperator>(layer).AddSingleton<IWorkQueue>(new MeagreWorkQueue(inner)));
        using var http = app.Server.CreateClient();

        var text = await http.GetStringAsync(new Uri("/metrics/channels", UriKind.Relative));
        layer.IsAway = true;
        using var answer = await http.GetAsync(new Uri("/metrics/channels", UriKind.Relative));

        Assert.Contains("""runnel_channel_messages{channel="tasks",state="ready"} 7""", text, StringComparison.Ordinal);
        Assert.DoesNotContain("in_flight\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("oldest", text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
    }

    private static Task<RunnelApp> StartAsync(Action<WebApplicationBuilder> configure) => RunnelApp.StartInMemoryAsync(
        app =>
        {
            app.MapChannel("tasks", static (string _) => { });
            app.MapChannel("mail", static (string _) => { });
            app.MapChannelDepths();
        },
        builder =>
        {
            builder.Services.Configure<WorkerOptions>(static worker => worker.Enabled = false);
            configure(builder);
        });

    /// <summary>Knows one channel, until it is away.</summary>
    private sealed class Operator : IWorkQueueOperator
    {
        public bool IsAway { get; set; }

        public ChannelStatus Status { get; init; } = new("tasks", 7, 0, 0, 0, 0, null);

        public ValueTask<IReadOnlyList<ChannelStatus>> ListChannelsAsync(CancellationToken cancellationToken = default) =>
            IsAway ? throw new BackplaneUnavailableException("It is away.") : new([Status]);

        public ValueTask<IReadOnlyList<DeadLetter>> ListDeadLettersAsync(ChannelName channel, DeadLetterFilter filter, int limit, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public ValueTask<int> ReplayAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<int> PurgeAsync(ChannelName channel, DeadLetterFilter filter, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask FlushAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();
    }
}
