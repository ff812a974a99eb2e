using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.AspNetCore;
using Runnel.AspNetCore.Admission;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What a connection that is refused takes from those that come after it, which is nothing, and what is said of it.</summary>
public sealed class ConnectionLimitsTests
{
    private static readonly IPAddress One = IPAddress.Parse("192.0.2.1"), Other = IPAddress.Parse("192.0.2.2");

    private readonly ManualTimeProvider _clock = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Who_finds_no_room_uses_up_nothing_of_what_may_come_in_this_second(bool isNodeFull)
    {
        var limits = Create(new GatewayOptions { MaxConnections = isNodeFull ? 1 : 10, MaxConnectionsPerAddress = 1, MaxConnectionsPerSecond = 2 });
        Assert.Equal(ConnectionAdmission.Admitted, limits.TryEnter(One));
        for (var i = 0; i < 5; i++)
            Assert.Equal(isNodeFull ? ConnectionAdmission.NodeFull : ConnectionAdmission.AddressFull, limits.TryEnter(One));

        limits.Leave(One);

        Assert.Equal(ConnectionAdmission.Admitted, limits.TryEnter(Other));
    }

    [Fact]
    public void Who_comes_too_soon_takes_no_place()
    {
        var limits = Create(new GatewayOptions { MaxConnectionsPerSecond = 1 });
        Assert.Equal(ConnectionAdmission.Admitted, limits.TryEnter(One));

        Assert.Equal(ConnectionAdmission.TooManyASecond, limits.TryEnter(Other));

        Assert.Equal((1, 1), (limits.Count, limits.AddressCount));
    }

    [Fact]
    public void A_node_is_empty_when_all_that_belonged_to_its_last_connection_has_ended_and_if_it_never_had_any()
    {
        var limits = Create(new GatewayOptions());
        Assert.True(limits.EmptiedAsync().IsCompleted);
        limits.TryEnter(One);
        limits.TryEnter(Other);
        var emptied = limits.EmptiedAsync();

        limits.Leave(One);
        limits.LeaveAddress(Other);
        Assert.False(emptied.IsCompleted);
        limits.LeaveNode();

        Assert.True(emptied.IsCompleted);
    }

    [Fact]
    public void Each_reason_for_which_connections_find_no_room_is_logged_for_itself()
    {
        using var log = new RecordedLog();
        using var loggers = LoggerFactory.Create(builder => builder.AddProvider(log));
        var refusals = new RefusalLog(loggers.CreateLogger<RefusalLog>(), _clock);

        foreach (var admission in new[] { ConnectionAdmission.NodeFull, ConnectionAdmission.AddressFull, ConnectionAdmission.NodeFull, ConnectionAdmission.AddressFull })
            refusals.NoRoom("/ws", admission);

        Assert.Equal(["NodeFull", "AddressFull"], log.Of(2002).Select(entry => entry.Text.Split(": ")[1].Split('.')[0]));
    }

    [Fact]
    public void A_stream_of_events_that_begins_when_the_node_already_closes_its_connections_ends_at_once()
    {
        using var drain = new Drain();
        var early = drain.OpenStream();
        drain.BeginClosing();

        var late = drain.OpenStream();

        Assert.Equal((false, true), (early.Task.IsCompleted, late.Task.IsCompleted));
    }

    private ConnectionLimits Create(GatewayOptions options) => new(Options.Create(options), _clock);
}
