using System.Diagnostics;
using System.Net.Sockets;

namespace Runnel.Bench;

/// <summary>A redis-server of a run's own, with its data in a folder of its own. It can be killed and started again.</summary>
/// <remarks>
/// A shell stands between: it kills the server when its own input ends, so that the server does not outlive the program, however that ends,
/// and it does not let go of the server's id before, so that nobody else is killed.
/// </remarks>
internal sealed class RedisProcess : IServerProcess
{
    private const string Program = "redis-server";
    private const string Guard = """exec 2>/dev/null; "$@" >/dev/null </dev/null & read -r end; kill -9 $!; wait""";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder;
    private int _port;
    private readonly string _appendFsync;
    private Process? _guard;

    private RedisProcess(string folder, int port, string appendFsync)
    {
        _folder = Directory.CreateDirectory(folder);
        (_port, _appendFsync) = (port, appendFsync);
    }

    public string Address => $"redis://127.0.0.1:{_port}";

    public string Folder => _folder.FullName;

    /// <summary>Starts a server whose data are below the system's temporary folder.</summary>
    public static async Task<RedisProcess> StartAsync(string appendFsync, CancellationToken cancellationToken)
    {
        if (!Programs.IsThere(Program))
            throw new BenchException($"The run starts a Redis of its own and needs the program '{Program}': install the package of that name.");
        var server = new RedisProcess(Path.Combine(Path.GetTempPath(), $"runnel-bench-redis-{Environment.ProcessId}-{Guid.NewGuid():N}"), LoopbackPort.Free(), appendFsync);
        try
        {
            await server.RestartAsync(cancellationToken);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Starts it, with what its folder holds, and waits until it answers.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        string[] command =
        [
            Program, "--bind", "127.0.0.1", "--port", $"{_port}", "--dir", Folder, "--logfile", Path.Combine(Folder, "redis.log"),
            "--save", "", "--appendonly", "yes", "--appendfsync", _appendFsync,
            // Is done by a process of its own, in the middle of what is measured.
            "--auto-aof-rewrite-percentage", "0",
        ];
        _guard = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Guard, "sh", .. command]) { RedirectStandardInput = true })!;
        for (var began = Stopwatch.GetTimestamp(); !await AnswersAsync(cancellationToken);)
        {
            if (Stopwatch.GetElapsedTime(began) > Patience)
                throw new BenchException($"The redis-server that was started did not answer within {Patience}.");
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Makes it a replica, and waits until it has everything.</summary>
    public async Task FollowAsync(RedisProcess leader, CancellationToken cancellationToken)
    {
        using var connection = await RespConnection.ConnectAsync(Address, cancellationToken);
        await connection.AskAsync(cancellationToken, "REPLICAOF", "127.0.0.1", $"{leader._port}");
        for (var began = Stopwatch.GetTimestamp(); !(await connection.AskAsync(cancellationToken, "INFO", "replication")).Text.Contains("master_link_status:up", StringComparison.Ordinal);)
        {
            if (Stopwatch.GetElapsedTime(began) > Patience)
                throw new BenchException($"The replica was not level with its leader within {Patience}.");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Ends the replication: from here on it lacks what its leader gets.</summary>
    public async Task StandAloneAsync(CancellationToken cancellationToken)
    {
        using var connection = await RespConnection.ConnectAsync(Address, cancellationToken);
        await connection.AskAsync(cancellationToken, "REPLICAOF", "NO", "ONE");
    }

    /// <summary>Takes the address of one that was killed.</summary>
    public async Task TakeAddressAsync(RedisProcess fallen, CancellationToken cancellationToken)
    {
        using var connection = await RespConnection.ConnectAsync(Address, cancellationToken);
        await connection.AskAsync(cancellationToken, "CONFIG", "SET", "port", $"{fallen._port}");
        _port = fallen._port;
    }

    /// <summary>Ends it, and starts it with nothing in it.</summary>
    public async Task RestartEmptyAsync(CancellationToken cancellationToken)
    {
        Kill();
        _folder.Delete(recursive: true);
        _folder.Create();
        await RestartAsync(cancellationToken);
    }

    /// <summary>Kills it (SIGKILL).</summary>
    public void Kill()
    {
        _guard?.StandardInput.Close();
        _guard?.WaitForExit();
        _guard?.Dispose();
        _guard = null;
    }

    public void Dispose()
    {
        Kill();
        _folder.Delete(recursive: true);
    }

    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var connection = await RespConnection.ConnectAsync(Address, cancellationToken);
            return (await connection.AskAsync(cancellationToken, "PING")).Text == "PONG";
        }
        catch (Exception exception) when (exception is SocketException or IOException or BenchException)
        {
            return false; // not there yet, or still reading its data
        }
    }
}
