using System.Diagnostics;
using System.Globalization;
using Runnel.Specification;

namespace Runnel.Tests.Servers;

/// <summary>A private RabbitMQ on free loopback ports, with its data in a temporary directory; gone when the tests are. It can be killed and started again.</summary>
/// <remarks>
/// It takes five seconds to start. Tests that do not kill it or configure it share one, <see cref="SharedRabbitServer"/>, and have a virtual host each.
/// As with <see cref="RedisServer"/>, a shell stands between, so that the server does not outlive these tests, however they end. The same shell keeps epmd,
/// without which an Erlang node does not start: if it was not there, the node would leave one behind.
/// </remarks>
public sealed class RabbitServer : IAsyncDisposable
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
    private const int MostPorts = 5;

    // A start is work for five seconds; on a machine with ten times as much to do as it can, it takes longer than any other wait may.
    private const int Patience = 4;

    private readonly RabbitServerOptions _options;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("runnel-rabbit-");
    private readonly ServerCertificate? _certificate;
    private int _nodesPort;
    private Process? _guard;

    private RabbitServer(RabbitServerOptions options)
    {
        _options = options;
        _certificate = options.Tls ? ServerCertificate.Create(Folder) : null;
    }

    /// <summary>Where it listens, or, while it is dead, will listen again.</summary>
    public int Port { get; private set; }

    /// <summary>Where it listens with TLS, if it does.</summary>
    public int TlsPort { get; private set; }

    /// <summary>What the operating system knows it by; another one after each start.</summary>
    public int Id { get; private set; }

    /// <summary>Where its epmd listens, which tells Erlang nodes of each other.</summary>
    public int NamesPort { get; private set; }

    /// <summary>Where its data, its logs and its settings are.</summary>
    public string Folder => _directory.FullName;

    /// <summary>The authority that signed the server's certificate and the client's; <see langword="null"/> without TLS.</summary>
    public string? AuthorityFile => _certificate?.AuthorityFile;

    /// <summary>The certificate by which the server knows a client; <see langword="null"/> without TLS.</summary>
    public string? ClientCertificateFile => _certificate?.ClientCertificateFile;

    /// <summary>The key of <see cref="ClientCertificateFile"/>.</summary>
    public string? ClientKeyFile => _certificate?.ClientKeyFile;

    /// <summary>The layer's address of the virtual host <c>/</c>.</summary>
    public string Address => AddressOf("/");

    /// <summary>The same with TLS.</summary>
    public string TlsAddress => $"amqps://guest:guest@127.0.0.1:{TlsPort}/%2F?ca={AuthorityFile}&cert={ClientCertificateFile}&key={ClientKeyFile}";

    /// <summary>Answers the test's own questions.</summary>
    public RabbitProbe Probe => new(Folder);

    private string LogFile => PathOf("rabbit.log");

    /// <summary>Starts one for a single test.</summary>
    public static async Task<RabbitServer> StartAsync(RabbitServerOptions options)
    {
        var server = new RabbitServer(options);
        try
        {
            await server.StartOnFreePortsAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>The layer's address.</summary>
    /// <param name="virtualHost">The virtual host.</param>
    /// <param name="user">Who comes: the user and the password.</param>
    /// <param name="port">Another way to the server, such as a <see cref="TcpWire"/>.</param>
    public string AddressOf(string virtualHost, string user = "guest:guest", int? port = null) => $"amqp://{user}@127.0.0.1:{port ?? Port}/{Uri.EscapeDataString(virtualHost)}";

    /// <summary>Creates a virtual host, in which nobody else is.</summary>
    public async Task<RabbitVirtualHost> CreateHostAsync()
    {
        var host = new RabbitVirtualHost(this, $"test-{Guid.NewGuid():N}");
        await host.CreateAsync();
        return host;
    }

    /// <summary>Creates a user without any rights; see <see cref="RabbitVirtualHost.AllowAsync"/>.</summary>
    /// <returns>The user and the password, as in an address.</returns>
    public async Task<string> CreateUserAsync()
    {
        var name = $"user-{Guid.NewGuid():N}";
        await Probe.DoAsync($"rabbit_auth_backend_internal:add_user({RabbitProbe.Text(name)}, <<\"secret\">>, <<\"test\">>)");
        return $"{name}:secret";
    }

    /// <summary>Has the broker run out of memory, or have enough again: meanwhile it blocks those who publish.</summary>
    public async Task SetMemoryAlarmAsync(bool isOn)
    {
        await Probe.DoAsync($"vm_memory_monitor:set_vm_memory_high_watermark({(isOn ? "{absolute, 1}" : "0.4")})");
        await Wait.Until(() => Probe.AskAsync<bool>("rabbit_alarm:get_alarms() =/= []").ContinueWith(task => task.Result == isOn, TaskScheduler.Default), "the alarm is as it was set");
    }

    /// <summary>How long a consumer may keep a message that it has not acknowledged, before its channel is closed; <see langword="null"/> for the usual time. Holds for channels that are opened from now on.</summary>
    public Task SetDeliveryTimeoutAsync(TimeSpan? timeout) => Probe.DoAsync(timeout is { } limit
        ? $"application:set_env(rabbit, consumer_timeout, {(long)limit.TotalMilliseconds}), application:set_env(rabbit, channel_tick_interval, 100)" // when it looks; once a minute by default
        : "application:set_env(rabbit, consumer_timeout, 1800000), application:set_env(rabbit, channel_tick_interval, 60000)");

    /// <summary>kill -9. Its port refuses connections from then on.</summary>
    public async Task KillAsync()
    {
        if (_guard is null)
            return;
        _guard.StandardInput.Close();
        await Wait.For(_guard.WaitForExitAsync(), "RabbitMQ to be dead");
        _guard.Dispose();
        _guard = null;
    }

    /// <summary>Starts it again after a kill, on the same port, with what its data directory holds.</summary>
    public async Task RestartAsync()
    {
        if (!await TryStartAsync())
            throw await FailedAsync("RabbitMQ did not start again");
    }

    /// <summary>Stops it where it stands (SIGSTOP): connections stay open, and nothing is answered.</summary>
    public async Task PauseAsync()
    {
        await SignalAsync("STOP");
        await Wait.Until(() => State == 'T', "RabbitMQ stands still");
    }

    /// <summary>Lets it go on.</summary>
    public Task ResumeAsync() => SignalAsync("CONT");

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        if (_directory.Exists)
            _directory.Delete(recursive: true);
    }

    // What stands behind the name in parentheses, which may hold anything: R or S while it lives, T when it is stopped, Z when it is dead.
    private char State => File.ReadAllText($"/proc/{Id}/stat") is var line ? line[line.LastIndexOf(')') + 2] : default;

    private async Task StartOnFreePortsAsync()
    {
        if (!File.Exists(Program))
            throw new InvalidOperationException($"These tests need RabbitMQ and start their own: install the package 'rabbitmq-server' (expected at {Program}).");
        for (var ports = 1; ; ports++)
        {
            (Port, TlsPort, NamesPort, _nodesPort) = (LoopbackPort.Free(), LoopbackPort.Free(), LoopbackPort.Free(), LoopbackPort.Free());
            if (await TryStartAsync())
                return;
            if (ports == MostPorts || !IsPortTaken())
                throw await FailedAsync("RabbitMQ ended as soon as it had started");
        }
    }

    /// <returns>Whether it answers; otherwise it has ended, as it does when one of its ports has become somebody else's.</returns>
    private async Task<bool> TryStartAsync()
    {
        await File.WriteAllTextAsync(LogFile, "");
        await File.WriteAllTextAsync(PathOf("enabled_plugins"), "[].");
        await File.WriteAllTextAsync(PathOf("advanced.config"), $"[{{rabbit, [{string.Join(", ", Settings())}]}}].");
        await RabbitProbe.PrepareAsync(Folder);
        _guard = Process.Start(StartInfo())!;
        if (await Wait.For(_guard.StandardOutput.ReadLineAsync(), "RabbitMQ to be started") is not { } id)
        {
            await KillAsync();
            return false;
        }
        Id = int.Parse(id, CultureInfo.InvariantCulture);

        var answers = false;
        for (var patience = Patience; !answers && State != 'Z'; patience--)
        {
            try
            {
                await Wait.Until(async () => (answers = await Probe.IsRunningAsync()) || State == 'Z', "RabbitMQ answers");
            }
            catch (TimeoutException) when (patience > 1)
            {
            }
            catch (TimeoutException)
            {
                throw await FailedAsync("RabbitMQ started, but did not answer");
            }
        }
        if (!answers)
            await KillAsync();
        return answers;
    }

    private ProcessStartInfo StartInfo()
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", Guard, "sh", Program, LogFile])
        {
            WorkingDirectory = Folder, // where it would leave a dump if it crashed
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach (var (name, value) in Variables())
            start.Environment[name] = value;
        return start;
    }

    private IEnumerable<(string Name, string Value)> Variables()
    {
        yield return ("HOME", Folder);
        yield return ("LC_ALL", "C.UTF-8");
        yield return ("ERL_EPMD_ADDRESS", "127.0.0.1");
        yield return ("ERL_EPMD_PORT", $"{NamesPort}");
        yield return ("RABBITMQ_NODENAME", "runnel@localhost");
        yield return ("RABBITMQ_DIST_PORT", $"{_nodesPort}");
        yield return ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1");
        yield return ("RABBITMQ_NODE_PORT", $"{Port}");
        yield return ("RABBITMQ_MNESIA_BASE", PathOf("data"));
        yield return ("RABBITMQ_LOG_BASE", PathOf("log"));
        yield return ("RABBITMQ_PID_FILE", PathOf("rabbit.pid"));
        yield return ("RABBITMQ_ENABLED_PLUGINS_FILE", PathOf("enabled_plugins"));
        yield return ("RABBITMQ_ADVANCED_CONFIG_FILE", PathOf("advanced.config"));
        yield return ("RABBITMQ_CONFIG_FILE", PathOf("none"));
        yield return ("RABBITMQ_CONF_ENV_FILE", PathOf("none"));
        yield return ("RABBITMQ_ALLOW_INPUT", "true"); // otherwise a shell stands between, which a kill would leave
        // Schedulers that have nothing to do wait instead of spinning: the tests need the processor.
        yield return ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            $"-noinput -kernel inet_dist_use_interface {{127,0,0,1}} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none {RabbitProbe.Arguments(Folder)}");
    }

    private IEnumerable<string> Settings()
    {
        yield return $"{{tcp_listeners, [{{\"127.0.0.1\", {Port}}}]}}";
        if (_certificate is { } certificate)
        {
            yield return $"{{ssl_listeners, [{{\"127.0.0.1\", {TlsPort}}}]}}";
            yield return $"{{ssl_options, [{{cacertfile, \"{certificate.AuthorityFile}\"}}, {{certfile, \"{certificate.CertificateFile}\"}}, "
                + $"{{keyfile, \"{certificate.KeyFile}\"}}, {{verify, verify_peer}}, {{fail_if_no_peer_cert, true}}]}}";
        }
        foreach (var setting in _options.Settings)
            yield return setting;
    }

    private bool IsPortTaken() => File.ReadAllText(LogFile) is var log && (log.Length == 0 || log.Contains("eaddrinuse", StringComparison.Ordinal) || log.Contains("in use", StringComparison.Ordinal));

    private async Task<InvalidOperationException> FailedAsync(string what) => new($"{what}:{Environment.NewLine}{await File.ReadAllTextAsync(LogFile)}");

    private async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{Id}"]);
        await Wait.For(kill.WaitForExitAsync(), "the signal to be sent");
    }

    private string PathOf(string file) => Path.Combine(Folder, file);
}
