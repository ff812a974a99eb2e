using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Runnel.AspNetCore;
using Runnel.Cli.Load;
using Runnel.Cli.Sockets;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Tests.Recovery;
using Xunit;

namespace Runnel.Tests.Load;

/// <summary>Load tests whose clients speak <c>runnel.v1</c>.</summary>
public sealed class RecoveringLoadTests
{
    [Theory]
    [InlineData("/own", null, 10)]
    [InlineData("/shared", "articles", 30)] // the last one: the test waits for those who are away
    public async Task The_check_goes_on_across_a_cut(string path, string? stream, int cutAt)
    {
        await using var app = await StartAsync(new Retention(1000, TimeSpan.FromMinutes(5)));

        var summary = await RunAsync(app, path, stream, cutAt);

        Assert.True(summary.Verdict.IsGood, string.Join(' ', summary.Verdict.Reasons));
        Assert.Equal((3, 3, 90), (summary.Connections.Returns, summary.Connections.Held, summary.Verdict.Arrived));
        Assert.Equal((FaultKind.Closed, "1006", 3L), (summary.Errors[0].Kind, summary.Errors[0].Detail, summary.Errors[0].Count));
    }

    [Fact]
    public async Task What_the_history_no_longer_has_is_lost_and_told()
    {
        await using var app = await StartAsync(new Retention(1, TimeSpan.FromMinutes(5)));

        var summary = await RunAsync(app, "/own", null, cutAt: 10, meanwhile: 5);

        Assert.False(summary.Verdict.IsGood);
        Assert.Equal((0, 90), (summary.Verdict.Lost, summary.Verdict.Due));
        Assert.InRange(summary.Verdict.LostAndTold, 1, 3 * 21); // how many of the last 21 a client misses depends on when it is back
    }

    [Fact]
    public async Task An_echo_goes_through_a_stream_of_a_shared_socket()
    {
        await using var app = await StartAsync(new Retention(1000, TimeSpan.FromMinutes(5)));
        var settings = Settings(app, "/shared", "echo") with { IsEcho = true, Publishers = 0 };

        var summary = await Wait.For(new LoadRun(settings, null, TimeProvider.System).RunAsync(static _ => { }, CancellationToken.None), "the load test");

        Assert.True(summary.Verdict.IsGood, string.Join(' ', summary.Verdict.Reasons));
        Assert.Equal(30, summary.Verdict.Arrived);
    }

    private static Task<LoadSummary> RunAsync(RunnelApp app, string path, string? stream, int cutAt, int meanwhile = 1) =>
        Wait.For(new LoadRun(Settings(app, path, stream), new CuttingPublisher(app, cutAt, meanwhile), TimeProvider.System).RunAsync(static _ => { }, CancellationToken.None), "the load test");

    private static LoadSettings Settings(RunnelApp app, string path, string? stream) => new()
    {
        Target = Target.Parse(new Uri(app.Address, path).ToString()),
        Connections = 3,
        Ramp = TimeSpan.Zero,
        Duration = TimeSpan.FromMilliseconds(300),
        Rate = 100,
        Slack = Wait.Limit, // a busy machine sends late
        Drain = Wait.Limit,
        Timeout = Wait.Limit,
        Publishers = 1,
        Protocol = LoadSettings.Recovering,
        Stream = stream,
    };

    private static Task<RunnelApp> StartAsync(Retention retention) => RunnelApp.StartAsync(
        static app =>
        {
            app.MapDemultiplexer("/shared", static d => d.Stream<VectorArticles>("articles").Stream<VectorEcho>("echo"));
            app.MapConsumer<VectorArticles>("/own");
        },
        builder => builder.With((RunnelOptions options) => options.KeepHistory("articles", retention)).With((GatewayOptions options) => (options.ReconnectWindow, options.HelloTimeout) = (TimeSpan.FromSeconds(1), Wait.Limit)));

    /// <summary>Publishes to the group, and once breaks all connections off. What it publishes meanwhile, it publishes at once.</summary>
    private sealed class CuttingPublisher(RunnelApp app, int cutAt, int meanwhile) : IMessagePublisher
    {
        private readonly List<string> _held = [];
        private int _published;

        public async Task PublishAsync(string body, CancellationToken cancellationToken)
        {
            _published++;
            _held.Add(body);
            if (_published >= cutAt && _published < cutAt + meanwhile - 1)
                return;
            if (_published == cutAt + meanwhile - 1)
                await CutAsync();
            foreach (var held in _held)
                await app.Groups.SendJsonAsync("articles", JsonElement.Parse(held), cancellationToken);
            _held.Clear();
        }

        private async Task CutAsync()
        {
            // These, and not until the group is empty: a client comes back after any time up to the window, so one may be there again before the last has left.
            var cut = app.Node.Connections.ToHashSet();
            foreach (var connection in cut)
                connection.Abort();
            await Wait.Until(() => !app.Node.Connections.Any(cut.Contains), "all to have left"); // a connection leaves its groups before the node forgets it
        }
    }
}
