using System.Diagnostics;
using System.Globalization;

namespace Runnel.Bench;

/// <summary>A RabbitMQ of a run's own, with its data in a folder of its own. It can be killed and started again.</summary>
/// <remarks>
/// A shell stands between: it kills the broker when its own input ends, so that the broker does not outlive the program, however that ends. The same shell keeps epmd,
/// without which an Erlang node does not start: if it was not there, the node would leave one behind.
/// </remarks>
internal sealed class RabbitProcess : IServerProcess
{
    private const string Program = "/usr/lib/rabbitmq/bin/rabbitmq-server"; // Debian's /usr/sbin/rabbitmq-server uses the system's directories
    private const string Guard = """
        exec 2>/dev/null
        epmd >/dev/null </dev/null & names=$!
        until epmd -names >/dev/null; do kill -0 $names || exit; sleep 0.02; done
        "$1" >"$2" 2>&1 </dev/null & echo $!
        read -r end
        kill -9 $! $names
        wait
        """;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runnel-bench-rabbit-");
    private readonly int _port = LoopbackPort.Free();
    private readonly int _namesPort = LoopbackPort.Free();
    private readonly int _nodesPort = LoopbackPort.Free();
    private Process? _guard;
    private int _id;

    private RabbitProcess() => Probe = new RabbitProbe(_folder.FullName);

    /// <summary>Where it is; a virtual host comes behind it.</summary>
    public string Address => $"amqp://guest:guest@127.0.0.1:{_port}";

    /// <summary>Answers questions in Erlang.</summary>
    public RabbitProbe Probe { get; }

    /// <summary>The CPU time that the broker's present process has used.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            using var process = Process.GetProcessById(_id);
            return process.TotalProcessorTime;
        }
    }

    private string LogFile => PathOf("rabbit.log");

    /// <summary>Starts a broker whose data are below the system's temporary folder.</summary>
    public static async Task<RabbitProcess> StartAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(Program))
            throw new BenchException($"The run starts a RabbitMQ of its own and needs '{Program}': install the package 'rabbitmq-server'.");
        var server = new RabbitProcess();
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

    /// <inheritdoc/>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await File.WriteAllTextAsync(PathOf("enabled_plugins"), "[].", cancellationToken);
        await File.WriteAllTextAsync(PathOf("advanced.config"), $"[{{rabbit, [{{tcp_listeners, [{{\"127.0.0.1\", {_port}}}]}}]}}].", cancellationToken);
        Probe.Prepare();
        _guard = Process.Start(StartInfo())!;
        var began = Stopwatch.GetTimestamp();
        var id = await _guard.StandardOutput.ReadLineAsync(cancellationToken).AsTask().WaitAsync(Patience, TimeProvider.System, cancellationToken);
        _id = id is null ? throw Failed("did not start") : int.Parse(id, CultureInfo.InvariantCulture);
        while (!await Probe.IsRunningAsync(cancellationToken))
        {
            if (HasEnded() || Stopwatch.GetElapsedTime(began) > Patience)
                throw Failed(HasEnded() ? "ended as soon as it had started" : $"did not answer within {Patience}");
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, cancellationToken);
        }
    }

    /// <inheritdoc/>
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

    private ProcessStartInfo StartInfo()
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", Guard, "sh", Program, LogFile])
        {
            WorkingDirectory = _folder.FullName, // where it would leave a dump if it crashed
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach (var (name, value) in Variables())
            start.Environment[name] = value;
        return start;
    }

    private IEnumerable<(string Name, string Value)> Variables()
    {
        yield return ("HOME", _folder.FullName);
        yield return ("LC_ALL", "C.UTF-8");
        yield return ("ERL_EPMD_ADDRESS", "127.0.0.1");
        yield return ("ERL_EPMD_PORT", $"{_namesPort}");
        yield return ("RABBITMQ_NODENAME", "runnel@localhost");
        yield return ("RABBITMQ_DIST_PORT", $"{_nodesPort}");
        yield return ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1");
        yield return ("RABBITMQ_NODE_PORT", $"{_port}");
        yield return ("RABBITMQ_MNESIA_BASE", PathOf("data"));
        yield return ("RABBITMQ_LOG_BASE", PathOf("log"));
        yield return ("RABBITMQ_PID_FILE", PathOf("rabbit.pid"));
        yield return ("RABBITMQ_ENABLED_PLUGINS_FILE", PathOf("enabled_plugins"));
        yield return ("RABBITMQ_ADVANCED_CONFIG_FILE", PathOf("advanced.config"));
        yield return ("RABBITMQ_CONFIG_FILE", PathOf("none"));
        yield return ("RABBITMQ_CONF_ENV_FILE", PathOf("none"));
        yield return ("RABBITMQ_ALLOW_INPUT", "true"); // otherwise a shell stands between, which a kill would leave
        yield return ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", $"-noinput -kernel inet_dist_use_interface {{127,0,0,1}} {Probe.Arguments}");
    }

    // What stands behind the name in parentheses, which may hold anything: Z when it is dead and the shell has not heard of it yet.
    private bool HasEnded() => !File.Exists($"/proc/{_id}/stat") || (File.ReadAllText($"/proc/{_id}/stat") is var line && line[line.LastIndexOf(')') + 2] == 'Z');

    private BenchException Failed(string what) => new($"The RabbitMQ that was started {what}:{Environment.NewLine}{(File.Exists(LogFile) ? File.ReadAllText(LogFile) : "")}");

    private string PathOf(string file) => Path.Combine(_folder.FullName, file);
}
