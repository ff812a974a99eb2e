using System.Reflection;
using Microsoft.Extensions.Hosting;
using Runnel.Nodes;

namespace Runnel;

/// <summary>Lets this node be one of the application's nodes, from its start until it has stopped.</summary>
internal sealed class NodeService(NodeContext context, NodeDirectory directory, IEnumerable<INodeRole> roles) : IHostedLifecycleService, IDisposable
{
    private NodeHeart? _heart;

    // Before the server listens, and after the layer was opened: who serves the first client knows the other nodes.
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (!directory.IsShared)
            return;
        await directory.OpenAsync(cancellationToken);
        _heart = new NodeHeart(directory.Beat);
        directory.HasSomethingToSay += _heart.Wake;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Now the server knows its address.
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        var all = roles.ToList();
        var address = context.Options.NodeAddress ?? all.Select(static role => role.Address).FirstOrDefault(static address => address is not null);
        directory.Announce(
            all.Aggregate(NodeRoles.None, static (sum, role) => sum | role.Roles),
            address ?? $"{Environment.MachineName}, process {Environment.ProcessId}",
            Version());
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Last: until then others may still reach this node.
    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return directory.LeaveAsync(cancellationToken);
    }

    public void Dispose()
    {
        if (_heart is not { } heart)
            return;
        directory.HasSomethingToSay -= heart.Wake;
        heart.Dispose();
        _heart = null;
    }

    // Without the commit that the SDK adds behind a plus sign.
    private static string Version() =>
        Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";
}
