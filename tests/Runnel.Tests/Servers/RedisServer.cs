using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Servers;

/// <summary>A private Redis on a free loopback port, with its data in a temporary directory; gone when the tests are. It can be killed and started again.</summary>
/// <remarks>
/// A shell stands between: it kills the server when its own input ends, so that the server does not outlive these tests, however they end,
/// and it does not let go of the server's id before, so that nobody else is killed.
/// </remarks>
public sealed class RedisServer : IAsyncLifetime
{
    private const string Guard = """exec 2>/dev/null; "$1" "$2" >/dev/null </dev/null & echo $!; read -r end; kill -9 $!; wait""";
    private const int MostPorts = 5;

    private readonly RedisServerOptions _options;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("runnel-redis-");
    private readonly ServerCertificate? _certificate;
    private Process? _guard;

    /// <summary>One whose data outlives the process, as an application's would.</summary>
    public RedisServer()
        : this(new RedisServerOptions())
    {
    }

    private RedisServer(RedisServerOptions options)
    {
        _options = options;
        _certificate = options.Tls ? ServerCertificate.Create(_directory.FullName) : null;
    }

    /// <summary>Where it listens, or, while it is dead, will listen again.</summary>
    public int Port { get; private set; }

    /// <summary>What the operating system knows it by; another one after each start.</summary>
    public int Id { get; private set; }

    /// <summary>The layer's address: <c>redis://…</c> or, with TLS, <c>rediss://…?ca=…</c>, with user and password where there are such.</summary>
    public string Address => AddressAt(Port);

    /// <summary>The layer's address by the unix socket.</summary>
    public string UnixAddress => $"redis://{Credentials}{SocketFile}";

    /// <summary>The authority that signed the server's certificate; <see langword="null"/> without TLS.</summary>
    public string? AuthorityFile => _certificate?.AuthorityFile;

    private string LogFile => PathOf("redis.log");

    private string SocketFile => PathOf("redis.sock");

    private string Credentials => _options.Password is { } password ? $"{Uri.EscapeDataString(_options.User ?? "")}:{Uri.EscapeDataString(password)}@" : "";

    /// <summary>Starts one for a single test.</summary>
    public static async Task<RedisServer> StartAsync(RedisServerOptions options)
    {
        var server = new RedisServer(options);
        await server.InitializeAsync();
        return server;
    }

    public async ValueTask InitializeAsync()
    {
        try
        {
            for (var ports = 1; ; ports++)
            {
                Port = LoopbackPort.Free();
                if (await TryStartAsync())
                    return;
                if (ports == MostPorts)
                    throw new InvalidOperationException($"Redis ended as soon as it had started:{Environment.NewLine}{await File.ReadAllTextAsync(LogFile)}");
            }
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    /// <summary>The same server by another way, such as a <see cref="TcpWire"/>.</summary>
    public string AddressAt(int port) => _certificate is null
        ? $"redis://{Credentials}127.0.0.1:{port}"
        : $"rediss://{Credentials}127.0.0.1:{port}?ca={_certificate.AuthorityFile}";

    /// <summary>Opens a connection for the test's own questions.</summary>
    public RedisProbe Connect()
    {
        var probe = RedisProbe.Connect(Port, AuthorityFile);
        if (_options.Password is { } password)
            probe.Ask("AUTH", _options.User ?? "default", password);
        return probe;
    }

    /// <summary>kill -9. Its port refuses connections from then on.</summary>
    public async Task KillAsync()
    {
        if (_guard is null)
            return;
        _guard.StandardInput.Close();
        await Wait.For(_guard.WaitForExitAsync(), "Redis to be dead");
        _guard.Dispose();
        _guard = null;
    }

    /// <summary>Starts it again after a kill, on the same port, with what its data directory holds.</summary>
    public async Task RestartAsync()
    {
        if (!await TryStartAsync())
            throw new InvalidOperationException($"Redis did not start again:{Environment.NewLine}{await File.ReadAllTextAsync(LogFile)}");
    }

    /// <summary>Stops it where it stands (SIGSTOP): connections stay open, and nothing is answered.</summary>
    public async Task PauseAsync()
    {
        await SignalAsync("STOP");
        await Wait.Until(() => State == 'T', "Redis stands still");
    }

    /// <summary>Lets it go on.</summary>
    public Task ResumeAsync() => SignalAsync("CONT");

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        if (_directory.Exists)
            _directory.Delete(recursive: true);
    }

    private static string FindProgram() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, "redis-server")).FirstOrDefault(File.Exists)
        ?? throw new InvalidOperationException("These tests need Redis and start their own: install the package 'redis-server' (its program was not found in PATH).");

    // What stands behind the name in parentheses, which may hold anything: R or S while it lives, T when it is stopped, Z when it is dead.
    private char State => File.ReadAllText($"/proc/{Id}/stat") is var line ? line[line.LastIndexOf(')') + 2] : default;

    /// <returns>Whether it answers; otherwise it has ended, as it does when its port has become somebody else's.</returns>
    private async Task<bool> TryStartAsync()
    {
        var program = FindProgram();
        await File.WriteAllLinesAsync(PathOf("redis.conf"), Configuration());
        _guard = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Guard, "sh", program, PathOf("redis.conf")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        Id = int.Parse((await _guard.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);

        var answers = false;
        await Wait.Until(() => (answers = Answers()) || State == 'Z', "Redis answers");
        if (!answers)
            await KillAsync();
        return answers;
    }

    private bool Answers()
    {
        try
        {
            using var probe = Connect();
            return probe.Text("PING") == "PONG";
        }
        catch (Exception exception) when (exception is SocketException or IOException or InvalidOperationException)
        {
            return false; // not there yet, or still reading its data
        }
    }

    private IEnumerable<string> Configuration()
    {
        yield return "bind 127.0.0.1";
        yield return $"port {(_certificate is null ? Port : 0)}";
        yield return $"unixsocket {SocketFile}";
        yield return $"dir {_directory.FullName}";
        yield return $"logfile {LogFile}";
        yield return "save \"\"";
        yield return $"appendonly {(_options.AppendOnly ? "yes" : "no")}";
        yield return $"appendfsync {_options.AppendFsync}";
        yield return "auto-aof-rewrite-percentage 0"; // is done by a process of its own, which a kill would leave alone
        yield return $"maxmemory-policy {_options.MaxMemoryPolicy}";
        yield return "enable-debug-command local";
        if (_certificate is { } certificate)
        {
            yield return $"tls-port {Port}";
            yield return $"tls-cert-file {certificate.CertificateFile}";
            yield return $"tls-key-file {certificate.KeyFile}";
            yield return $"tls-ca-cert-file {certificate.AuthorityFile}";
            yield return "tls-auth-clients no";
        }
        if (_options.User is { } user)
        {
            yield return "user default off";
            yield return $"user {user} on >{_options.Password} {_options.UserRights}";
        }
        else if (_options.Password is { } password)
        {
            yield return $"requirepass {password}";
        }
        foreach (var line in _options.Configuration)
            yield return line;
    }

    private async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{Id}"]);
        await Wait.For(kill.WaitForExitAsync(), "the signal to be sent");
    }

    private string PathOf(string file) => Path.Combine(_directory.FullName, file);
}
