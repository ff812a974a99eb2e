using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Runnel.Specification;

namespace Runnel.Tests.Servers;

/// <summary>A private nginx on a free loopback port, with the site that a test gives it; gone when the test is.</summary>
/// <remarks>A shell stands between, as with <see cref="RedisServer"/>: nginx does not outlive these tests, however they end.</remarks>
public sealed class NginxServer : IAsyncDisposable
{
    private const string Guard = """exec 2>/dev/null; "$1" -p "$2" -e error.log -c nginx.conf >/dev/null </dev/null & echo $!; read -r end; kill -9 $!; wait""";

    // One process: it keeps its folder to itself, and the end of it is the end of all.
    private const string Frame = """
        daemon off;
        master_process off;
        pid nginx.pid;
        worker_rlimit_nofile 16384;
        error_log error.log warn;
        events { worker_connections 8192; }
        http {
          access_log off;
          client_body_temp_path body;
          proxy_temp_path proxy;
          fastcgi_temp_path fastcgi;
          uwsgi_temp_path uwsgi;
          scgi_temp_path scgi;
          include site.conf;
        }
        """;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("runnel-nginx-");
    private Process? _guard;

    private NginxServer(int port) => Port = port;

    /// <summary>Where it listens.</summary>
    public int Port { get; }

    /// <summary>Its address, for a site without TLS.</summary>
    public Uri Address => new($"http://127.0.0.1:{Port}");

    /// <summary>What it has logged, from warnings up.</summary>
    public string Log => File.Exists(PathOf("error.log")) ? File.ReadAllText(PathOf("error.log")) : "";

    /// <summary>Starts one.</summary>
    /// <param name="site">What stands inside <c>http</c>, for a port: upstreams and servers, one of which listens on the port at 127.0.0.1.</param>
    /// <exception cref="InvalidOperationException">nginx does not take the configuration.</exception>
    public static async Task<NginxServer> StartAsync(Func<int, string> site)
    {
        var server = new NginxServer(LoopbackPort.Free());
        try
        {
            await server.StartAsync(site(server.Port));
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts one with the site of <c>deploy/nginx</c> before these gateways. It speaks plain HTTP, so that a test needs no certificate.</summary>
    public static Task<NginxServer> StartDeployedAsync(params Uri[] gateways) => StartAsync(port => DeployedSite.Of(port, gateways));

    public async ValueTask DisposeAsync()
    {
        if (_guard is not null)
        {
            _guard.StandardInput.Close();
            await Wait.For(_guard.WaitForExitAsync(), "nginx to be dead");
            _guard.Dispose();
            _guard = null;
        }
        if (_directory.Exists)
            _directory.Delete(recursive: true);
    }

    // Not every user has it in the PATH: Debian puts it where servers are.
    private static string FindProgram() =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin".Split(':').Select(folder => Path.Combine(folder, "nginx")).FirstOrDefault(File.Exists)
        ?? throw new InvalidOperationException("These tests need nginx and start their own: install the package 'nginx' (its program was not found in PATH).");

    private async Task StartAsync(string site)
    {
        var program = FindProgram();
        await File.WriteAllTextAsync(PathOf("nginx.conf"), Frame);
        await File.WriteAllTextAsync(PathOf("site.conf"), site);
        _guard = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Guard, "sh", program, _directory.FullName + "/"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var id = int.Parse((await _guard.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
        var answers = false;
        await Wait.Until(() => (answers = Answers()) || HasEnded(id), "nginx answers");
        if (!answers)
            throw new InvalidOperationException($"nginx ended as soon as it had started:{Environment.NewLine}{Log}");
    }

    private bool Answers()
    {
        try
        {
            using var socket = new TcpClient();
            socket.Connect("127.0.0.1", Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    // The shell may have noticed, or not yet.
    private static bool HasEnded(int id)
    {
        try
        {
            var line = File.ReadAllText($"/proc/{id}/stat");
            return line[line.LastIndexOf(')') + 2] == 'Z';
        }
        catch (IOException)
        {
            return true;
        }
    }

    private string PathOf(string file) => Path.Combine(_directory.FullName, file);
}
