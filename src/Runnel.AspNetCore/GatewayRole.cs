using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Runnel.AspNetCore;

/// <summary>A node whose server runs is a gateway. A worker without a server does not start services that take one, so this one does not start there.</summary>
internal sealed class GatewayRole(IServer? server = null) : INodeRole, IHostedService
{
    private static readonly string[] AnyHost = ["+", "*", "0.0.0.0", "[::]"];

    private bool _serves;

    public NodeRoles Roles => _serves ? NodeRoles.Gateway : NodeRoles.None;

    /// <summary>The first address that the server listens on, with the machine's name if it listens on all.</summary>
    public string? Address => _serves && server?.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() is { } listened ? Shown(listened) : null;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _serves = server is not null;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static string Shown(string listened)
    {
        var address = BindingAddress.Parse(listened);
        return AnyHost.Contains(address.Host) ? $"{address.Scheme}://{Environment.MachineName}:{address.Port}" : listened;
    }
}
