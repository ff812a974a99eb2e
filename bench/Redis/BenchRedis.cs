using System.Globalization;
using System.Net.Sockets;

namespace Runnel.Bench;

/// <summary>The Redis of a run: the one that was named, or one that the run starts and ends itself.</summary>
internal sealed class BenchRedis : IDisposable
{
    private const int KeysAtOnce = 500;

    private BenchRedis(string address, RedisProcess? own, string version, string durability)
    {
        Address = address;
        Own = own;
        Description = $"{(own is null ? "the" : "a private")} redis-server {version}, {durability}";
    }

    /// <summary>Where it is, for a layer and for <see cref="RespConnection"/>; a prefix may be put behind it.</summary>
    public string Address { get; }

    /// <summary>The server's process, when it is the run's own.</summary>
    public RedisProcess? Own { get; }

    /// <summary>What it is, for the report.</summary>
    public string Description { get; }

    /// <summary>Finds the server.</summary>
    /// <param name="layer"><c>redis://HOST:PORT</c>; or <c>redis:</c>, or one that is not there, for one of the run's own.</param>
    /// <param name="appendFsync">
    /// When one of the run's own has the disk confirm. What is to survive the server's kill needs <c>always</c>: with <c>everysec</c> Redis answers before it
    /// writes while the disk is busy confirming what was written before.
    /// </param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<BenchRedis> OpenAsync(string layer, string appendFsync, CancellationToken cancellationToken)
    {
        if (layer.Contains("//", StringComparison.Ordinal))
        {
            try
            {
                // Without what stands behind it: every store of a run has a prefix of its own.
                return await OpenAsync(layer.Split('?')[0], own: null, cancellationToken);
            }
            catch (SocketException)
            {
                await Console.Error.WriteLineAsync("Nobody listens where Redis should be; the run starts one of its own.");
            }
        }
        var own = await RedisProcess.StartAsync(appendFsync, cancellationToken);
        return await OpenAsync(own.Address, own, cancellationToken);
    }

    /// <summary>The CPU time that the server has used since it started.</summary>
    public async Task<TimeSpan> CpuTimeAsync(CancellationToken cancellationToken)
    {
        using var connection = await RespConnection.ConnectAsync(Address, cancellationToken);
        var used = await InfoAsync(connection, "cpu", cancellationToken);
        return Seconds("used_cpu_user") + Seconds("used_cpu_sys");

        TimeSpan Seconds(string name) => TimeSpan.FromSeconds(double.Parse(used[name], CultureInfo.InvariantCulture));
    }

    /// <summary>The keys that a pattern fits.</summary>
    public async Task<IReadOnlyCollection<string>> KeysAsync(string pattern, CancellationToken cancellationToken)
    {
        using var connection = await RespConnection.ConnectAsync(Address, cancellationToken);
        var (keys, cursor) = (new HashSet<string>(), "0");
        do
        {
            var page = (await connection.AskAsync(cancellationToken, "SCAN", cursor, "MATCH", pattern, "COUNT", "1000")).Items!;
            keys.UnionWith(page[1].Items!.Select(key => key.Text));
            cursor = page[0].Text;
        }
        while (cursor != "0");
        return keys;
    }

    /// <summary>Whether a key goes by itself, sooner or later.</summary>
    public async Task<bool> ExpiresAsync(string key, CancellationToken cancellationToken)
    {
        using var connection = await RespConnection.ConnectAsync(Address, cancellationToken);
        return (await connection.AskAsync(cancellationToken, "PTTL", key)).Number != -1;
    }

    /// <summary>How many members a sorted set has.</summary>
    public async Task<long> CountAsync(string key, CancellationToken cancellationToken)
    {
        using var connection = await RespConnection.ConnectAsync(Address, cancellationToken);
        return (await connection.AskAsync(cancellationToken, "ZCARD", key)).Number;
    }

    /// <summary>Deletes what a run has stored: its keys, or, on a server of its own, everything.</summary>
    public async Task EmptyAsync(string pattern, CancellationToken cancellationToken)
    {
        if (Own is not null)
        {
            // Anew, since its file would otherwise grow with every measurement.
            await Own.RestartEmptyAsync(cancellationToken);
            return;
        }
        using var connection = await RespConnection.ConnectAsync(Address, cancellationToken);
        foreach (var keys in (await KeysAsync(pattern, cancellationToken)).Chunk(KeysAtOnce))
            await connection.AskAsync(cancellationToken, keys.Prepend("UNLINK"));
    }

    /// <summary>Ends the server, if it is the run's own.</summary>
    public void Dispose() => Own?.Dispose();

    private static async Task<BenchRedis> OpenAsync(string address, RedisProcess? own, CancellationToken cancellationToken)
    {
        using var connection = await RespConnection.ConnectAsync(address, cancellationToken);
        var (server, persistence) = (await InfoAsync(connection, "server", cancellationToken), await InfoAsync(connection, "persistence", cancellationToken));
        var fsync = (await connection.AskAsync(cancellationToken, "CONFIG", "GET", "appendfsync")).Items!;
        var durability = persistence["aof_enabled"] == "0" ? "nothing outlives it" : $"append-only file, appendfsync {fsync[1].Text}";
        return new BenchRedis(address, own, server["redis_version"], durability);
    }

    private static async Task<Dictionary<string, string>> InfoAsync(RespConnection connection, string section, CancellationToken cancellationToken) =>
        (await connection.AskAsync(cancellationToken, "INFO", section)).Text
            .Split("\r\n", StringSplitOptions.RemoveEmptyEntries)
            .Where(line => line[0] != '#')
            .Select(line => line.Split(':', 2))
            .ToDictionary(line => line[0], line => line[1]);
}
