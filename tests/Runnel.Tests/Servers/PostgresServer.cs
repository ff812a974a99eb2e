using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

[assembly: AssemblyFixture(typeof(PostgresServer))]

namespace Runnel.Tests.Servers;

/// <summary>
/// One private PostgreSQL for all tests, on a free loopback port, with its data in a temporary directory. It starts when the first test asks for a database, and is gone
/// when the tests are.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string Account = "postgres";

    private readonly string _directory = Directory.CreateTempSubdirectory("runnel-postgres-").FullName;
    private readonly Lazy<Task> _started;
    private int _port;

    public PostgresServer() => _started = new(StartAsync);

    /// <summary>Creates an empty database.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> CreateDatabaseAsync()
    {
        await _started.Value;
        var name = $"test_{Guid.NewGuid():N}";
        await using var connection = new NpgsqlConnection(ConnectionString("postgres"));
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = $"CREATE DATABASE {name}";
        await command.ExecuteNonQueryAsync();
        return ConnectionString(name);
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        var pidFile = Path.Combine(_directory, "data", "postmaster.pid");
        if (File.Exists(pidFile))
        {
            using var server = Process.GetProcessById(int.Parse(File.ReadLines(pidFile).First(), CultureInfo.InvariantCulture));
            await RunAsync("kill", ["-INT", server.Id.ToString(CultureInfo.InvariantCulture)]);
            await Wait.For(server.WaitForExitAsync(), "PostgreSQL to stop");
        }

        Directory.Delete(_directory, recursive: true);
    }

    private async Task StartAsync()
    {
        var binaries = FindBinaries();
        var data = Path.Combine(_directory, "data");
        _port = LoopbackPort.Free();

        if (Environment.IsPrivilegedProcess)
            await RunAsync("chown", [$"{Account}:", _directory]);
        await RunAsServerAsync(Path.Combine(binaries, "initdb"), "-D", data, "-A", "trust", "-U", Account, "--no-sync");
        await RunAsServerAsync(
            Path.Combine(binaries, "pg_ctl"), "-D", data, "-w", "-l", Path.Combine(_directory, "log"),
            "-o", $"-p {_port} -c listen_addresses=127.0.0.1 -k {_directory} -c fsync=off -c max_connections=400", "start");
    }

    private static string FindBinaries() =>
        Directory.Exists("/usr/lib/postgresql")
        && Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Max() is { } found
            ? found
            : throw new InvalidOperationException("These tests need PostgreSQL and start their own: install the package 'postgresql' (expected below /usr/lib/postgresql).");

    private string ConnectionString(string database) => $"Host=127.0.0.1;Port={_port};Username={Account};Database={database};Maximum Pool Size=40;Connection Idle Lifetime=5;Connection Pruning Interval=5";

    // PostgreSQL refuses to run as root.
    private static Task RunAsServerAsync(string program, params string[] arguments) => Environment.IsPrivilegedProcess
        ? RunAsync("setpriv", [$"--reuid={Account}", $"--regid={Account}", "--init-groups", program, .. arguments])
        : RunAsync(program, arguments);

    private static async Task RunAsync(string program, IEnumerable<string> arguments)
    {
        // pg_ctl leaves its output to the server it starts: a pipe would never end.
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >/dev/null 2>&1", "sh", program, .. arguments])
        {
            WorkingDirectory = "/",
        })!;
        await Wait.For(process.WaitForExitAsync(), $"{program} to end");
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }
}
