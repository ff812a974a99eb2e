using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Servers;

/// <summary>A replica that has all that its master has, and takes the master's place when a test says so.</summary>
internal sealed class RedisReplica : IAsyncDisposable
{
    private readonly RedisServer _replica;
    private readonly TcpWire _line;

    private RedisReplica(RedisServer replica, TcpWire line) => (_replica, _line) = (replica, line);

    /// <summary>Starts one, and waits until it has everything.</summary>
    public static async Task<RedisReplica> FollowAsync(RedisServer server)
    {
        var (replica, line) = (await RedisServer.StartAsync(new RedisServerOptions()), TcpWire.To(server.Port));
        using var master = server.Connect();
        using var probe = replica.Connect();
        probe.Ask("REPLICAOF", "127.0.0.1", $"{line.Port}");
        await Wait.Until(() => probe.Info("replication")["master_link_status"] == "up", "the replica follows");
        Assert.Equal(1, master.Number("WAIT", "1", $"{Wait.Limit.TotalMilliseconds}"));
        return new RedisReplica(replica, line);
    }

    /// <summary>From now on it lacks what its master is told.</summary>
    public void CutOff() => _line.Cut();

    /// <summary>Takes its master's place: every wire leads to it from then on.</summary>
    public void TakeOver(params IEnumerable<TcpWire> wires)
    {
        using var probe = _replica.Connect();
        probe.Ask("REPLICAOF", "NO", "ONE");
        foreach (var wire in wires)
        {
            wire.Lead(_replica.Port);
            wire.Reset();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _line.DisposeAsync();
        await _replica.DisposeAsync();
    }
}
