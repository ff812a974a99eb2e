using System.Diagnostics;

namespace Runnel.Bench;

/// <summary>What a folder's <c>package-lock.json</c> names, installed in that folder.</summary>
internal static class NodePackages
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>Installs, unless it is there already. npm's own words go to standard error.</summary>
    public static async Task InstallAsync(string folder, CancellationToken cancellationToken)
    {
        var (wanted, installed) = (Path.Combine(folder, "package-lock.json"), Path.Combine(folder, "node_modules", ".installed"));
        var packages = await File.ReadAllTextAsync(wanted, cancellationToken);
        if (File.Exists(installed) && await File.ReadAllTextAsync(installed, cancellationToken) == packages)
            return;
        if (await RunAsync(folder, cancellationToken) != 0)
            throw new BenchException("npm could not install its packages; why not is above.");
        await File.WriteAllTextAsync(installed, packages, cancellationToken);
    }

    private static async Task<int> RunAsync(string folder, CancellationToken cancellationToken)
    {
        // Standard output is the report's.
        var start = new ProcessStartInfo("npm", ["ci", "--loglevel=error", "--no-audit", "--no-fund", "--no-update-notifier"])
        {
            WorkingDirectory = folder, RedirectStandardOutput = true,
        };
        using var npm = Process.Start(start)!;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            await npm.StandardOutput.ReadToEndAsync(patience.Token);
            await npm.WaitForExitAsync(patience.Token);
            return npm.ExitCode;
        }
        catch (OperationCanceledException)
        {
            npm.Kill(entireProcessTree: true);
            await npm.WaitForExitAsync(CancellationToken.None);
            cancellationToken.ThrowIfCancellationRequested();
            throw new BenchException($"npm did not install its packages within {Patience}.");
        }
    }
}
