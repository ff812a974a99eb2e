using System.Net.NetworkInformation;
using Microsoft.AspNetCore.Http;
using Runnel.Cli.Load;
using Runnel.Cli.Sockets;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Load;

/// <summary>Load tests against a server that does not do what it should: the verdict says so.</summary>
public sealed class LoadRunTests
{
    private const int Messages = 10;

    [Fact]
    public async Task A_server_that_sends_each_message_once_and_in_order_is_good()
    {
        await using var server = await LooseServer.StartAsync();

        var summary = await PublishAsync(server);

        Assert.True(summary.Verdict.IsGood, string.Join(' ', summary.Verdict.Reasons));
        Assert.Equal((3 * Messages, 3 * Messages, 0), (summary.Verdict.Due, summary.Verdict.Arrived, summary.Verdict.Lost));
        Assert.Equal(3 * Messages, summary.Latency.Count);
        Assert.Equal((3, 3, 3, 0), (summary.Connections.Wanted, summary.Connections.Opened, summary.Connections.Held, summary.Connections.Returns));
        Assert.Empty(summary.Errors);
    }

    [Theory]
    [InlineData(5, "message 5 of publisher 1 did not come")]
    [InlineData(Messages, "message 10 of publisher 1 did not come")]
    [InlineData(1, "message 1 of publisher 1 did not come")]
    public async Task A_message_that_one_socket_does_not_get_is_lost(int lost, string example)
    {
        await using var server = await LooseServer.StartAsync();
        server.Pass = (socket, number, message) => (socket, number) == (2, lost) ? [] : [message];
        var drain = lost == Messages ? TimeSpan.FromSeconds(6) : Wait.Limit; // nothing tells that the last one does not come; the others do within that

        var summary = await RunAsync(server, Settings(server) with { Publishers = 1, Drain = drain });

        Assert.False(summary.Verdict.IsGood);
        Assert.Equal((1, 0, 0, 1), (summary.Verdict.Lost, summary.Verdict.Doubled, summary.Verdict.OutOfOrder, summary.Verdict.ConnectionsAffected));
        Assert.EndsWith(example, Assert.Single(summary.Verdict.Examples), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_that_comes_again_is_doubled()
    {
        await using var server = await LooseServer.StartAsync();
        server.Pass = static (socket, number, message) => (socket, number) == (2, 5) ? [message, message] : [message];

        var summary = await PublishAsync(server);

        Assert.False(summary.Verdict.IsGood);
        Assert.Equal((0, 1, 0), (summary.Verdict.Lost, summary.Verdict.Doubled, summary.Verdict.OutOfOrder));
        Assert.EndsWith("message 5 of publisher 1 came again", Assert.Single(summary.Verdict.Examples), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_that_comes_behind_a_later_one_is_out_of_order_and_not_lost()
    {
        await using var server = await LooseServer.StartAsync();
        var held = "";
        server.Pass = (socket, number, message) =>
        {
            if ((socket, number) == (2, 5))
                held = message;
            return (socket, number) switch { (2, 5) => [], (2, 6) => [message, held], _ => [message] };
        };

        var summary = await PublishAsync(server);

        Assert.False(summary.Verdict.IsGood);
        Assert.Equal((0, 0, 1), (summary.Verdict.Lost, summary.Verdict.Doubled, summary.Verdict.OutOfOrder));
    }

    [Fact]
    public async Task An_echo_is_measured_and_checked_for_each_connection()
    {
        await using var server = await LooseServer.StartAsync();

        var summary = await RunAsync(server, Settings(server) with { IsEcho = true });

        Assert.True(summary.Verdict.IsGood, string.Join(' ', summary.Verdict.Reasons));
        Assert.Equal((Messages, Messages, Messages), (summary.Sent.Confirmed, summary.Verdict.Arrived, summary.Latency.Count));
    }

    [Fact]
    public async Task An_echo_that_another_connection_gets_is_unexpected_there_and_lost_here()
    {
        await using var server = await LooseServer.StartAsync();
        server.Pass = static (_, number, message) => [number == 2 ? message.Replace("-1-", "-2-", StringComparison.Ordinal) : message];

        var summary = await RunAsync(server, Settings(server) with { IsEcho = true });

        Assert.False(summary.Verdict.IsGood);
        Assert.Equal((1, 1), (summary.Verdict.Lost, summary.Verdict.Unexpected));
    }

    [Fact]
    public async Task Connections_are_only_held_when_nothing_is_sent()
    {
        await using var server = await LooseServer.StartAsync();

        var summary = await RunAsync(server, Settings(server) with { Rate = 0 });

        Assert.True(summary.Verdict.IsGood, string.Join(' ', summary.Verdict.Reasons));
        Assert.Equal((3, 0, 3), (summary.Connections.Held, summary.Sent.Messages, summary.Connecting.Count));
    }

    [Fact]
    public async Task A_refused_handshake_is_counted_with_its_status()
    {
        await using var server = await LooseServer.StartAsync();
        server.Greet = static (number, context) =>
        {
            context.Response.StatusCode = number == 2 ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
            return Task.FromResult(number == 2);
        };

        var summary = await PublishAsync(server);

        Assert.Equal(["1 connections could not be opened."], summary.Verdict.Reasons);
        Assert.Equal((FaultKind.Refused, "503", 1L), Only(summary));
        Assert.Equal((2, 2), (summary.Connections.Opened, summary.Connections.Held));
    }

    [Fact]
    public async Task A_refused_handshake_leaves_no_connection_behind()
    {
        await using var server = await LooseServer.StartAsync();
        server.Greet = static (_, context) => Task.FromResult((context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable) > 0);
        var target = Target.Parse($"{server.Address}/ws");
        var dialer = new Dialer(target, new Handshake(target, protocol: null, headers: []), isInsecure: false, Wait.Limit, TimeProvider.System);
        await dialer.ResolveAsync(CancellationToken.None);

        var refused = await Assert.ThrowsAsync<FaultException>(() => dialer.OpenAsync(0, CancellationToken.None));

        Assert.Equal("503", refused.Detail);
        Assert.DoesNotContain(
            IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections(), connection => connection.RemoteEndPoint.Port == target.Port && connection.State == TcpState.Established);
    }

    [Fact]
    public async Task A_connection_that_the_server_closes_is_counted_with_its_code_and_owed_nothing_afterwards()
    {
        await using var server = await LooseServer.StartAsync();
        server.Pass = (socket, number, message) =>
        {
            if ((socket, number) == (1, 5))
                server.CloseAsync(2, 4001).GetAwaiter().GetResult();
            return socket == 2 && number >= 5 ? [] : [message];
        };

        var summary = await PublishAsync(server);

        Assert.Equal(["1 connections ended before the test did."], summary.Verdict.Reasons);
        Assert.Equal((FaultKind.Closed, "4001", 1L), Only(summary));
        Assert.Equal((0, (3 * Messages) - 6), (summary.Verdict.Lost, summary.Verdict.Arrived));
    }

    [Fact]
    public async Task A_handshake_that_is_not_answered_is_timed_out()
    {
        await using var server = await LooseServer.StartAsync();
        server.Greet = static async (number, context) =>
        {
            if (number == 2)
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted).ContinueWith(static _ => { }, TaskScheduler.Default);
            return number == 2;
        };

        var summary = await RunAsync(server, Settings(server) with { Rate = 0, Timeout = TimeSpan.FromSeconds(5) }); // within which the others are answered

        Assert.Equal((FaultKind.TimedOut, "handshake", 1L), Only(summary));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_server_that_is_not_there_is_unreachable_and_a_test_without_a_connection_does_not_last(int publishers)
    {
        await using var nobody = await LooseServer.StartAsync();
        var settings = new LoadSettings
        {
            Target = Target.Parse($"ws://127.0.0.1:{LoopbackPort.Free()}/ws"),
            Connections = 2,
            Ramp = TimeSpan.Zero,
            Duration = TimeSpan.FromHours(1),
            Rate = publishers,
            Publishers = publishers,
        };

        var summary = await RunAsync(nobody, settings);

        Assert.Equal((FaultKind.Unreachable, "ConnectionRefused", 2L), Only(summary));
        Assert.Equal((false, 0), (summary.Verdict.IsGood, summary.Sent.Messages));
    }

    [Fact]
    public async Task What_cannot_be_published_is_an_error_and_nobody_lacks_it()
    {
        await using var server = await LooseServer.StartAsync();
        var settings = Settings(server) with { Publishers = 1 };
        using var publisher = new HttpPublisher(new Uri($"{server.Address}/publish"), settings, TimeProvider.System);

        var good = await RunAsync(settings, publisher);
        using var elsewhere = new HttpPublisher(new Uri($"{server.Address}/nowhere"), settings, TimeProvider.System);
        var bad = await RunAsync(settings with { Timeout = TimeSpan.FromSeconds(3) }, elsewhere); // within which the sockets are open

        Assert.True(good.Verdict.IsGood, string.Join(' ', good.Verdict.Reasons));
        Assert.Equal((Messages, 0, 0), (bad.Sent.Failed, bad.Verdict.Due, bad.Verdict.Lost));
        Assert.Equal((FaultKind.NotPublished, "404"), (bad.Errors[0].Kind, bad.Errors[0].Detail));
        Assert.False(bad.Verdict.IsGood);
    }

    [Fact]
    public async Task An_interrupted_test_is_judged_by_what_was()
    {
        await using var server = await LooseServer.StartAsync();
        using var interrupted = new CancellationTokenSource();
        server.Pass = static (_, number, message) => number >= 5 ? [] : [message];

        var summary = await Wait.For(new LoadRun(Settings(server) with { Publishers = 1, Duration = TimeSpan.FromDays(1), Rate = 50 }, server, TimeProvider.System)
            .RunAsync(
                progress =>
                {
                    if (progress is { Sent: > 4, Arrived: 3 * 4 }) // what the sockets were sent is there, and what they were not is missing
                        interrupted.Cancel();
                },
                interrupted.Token),
            "the summary");

        Assert.True(summary.IsInterrupted);
        Assert.True(summary.Verdict.IsGood, string.Join(' ', summary.Verdict.Reasons));
        Assert.Equal(3 * 4, summary.Verdict.Arrived);
    }

    private static (FaultKind Kind, string Detail, long Count) Only(LoadSummary summary)
    {
        var error = Assert.Single(summary.Errors);
        return (error.Kind, error.Detail, error.Count);
    }

    // The server numbers its sockets as they come, so they come one after the other.
    private static LoadSettings Settings(LooseServer server) => new()
    {
        Target = Target.Parse($"{server.Address}/ws"),
        Connections = 3,
        Ramp = TimeSpan.FromMilliseconds(150),
        Duration = TimeSpan.FromMilliseconds(100),
        Rate = Messages * 10,
        Slack = Wait.Limit, // a busy machine sends late
        Drain = Wait.Limit, // ends as soon as each socket has the last message
        Timeout = Wait.Limit,
    };

    private static Task<LoadSummary> PublishAsync(LooseServer server) => RunAsync(server, Settings(server) with { Publishers = 1 });

    private static Task<LoadSummary> RunAsync(LooseServer server, LoadSettings settings) => RunAsync(settings, settings.Publishers > 0 ? server : null);

    private static Task<LoadSummary> RunAsync(LoadSettings settings, IMessagePublisher? publisher) =>
        Wait.For(new LoadRun(settings, publisher, TimeProvider.System).RunAsync(static _ => { }, CancellationToken.None), "the load test");
}
