using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.Specification;
using Runnel.Tests.Cli;
using Runnel.Tests.Workers;
using Xunit;

namespace Runnel.Tests.Nodes;

/// <summary>Nodes that are processes, and the tool that shows them.</summary>
public abstract class NodeProcessSpecification : IAsyncLifetime
{
    private readonly List<IHost> _hosts = [];

    /// <summary>The layer's address.</summary>
    protected abstract string Address { get; }

    /// <summary>The lease of the nodes.</summary>
    protected virtual TimeSpan Lease => TimeSpan.FromSeconds(1);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.StopAsync();
            host.Dispose();
        }
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task The_tool_shows_each_process_and_one_that_is_killed_is_noticed()
    {
        var nodes = await StartAsync();
        await using var worker = AppProcess.Start("runworker", "--layer", Address, "--Runnel:NodeLease", $"{Lease}");
        await Wait.Until(() => nodes.All.Count == 2, "the worker is there");

        // Again if an answer came too late for the tool, which waits for a second.
        List<JsonElement> shown = [];
        await Wait.Until(async () => (shown = [.. (await RunnelTool.RunAsync("nodes", "--layer", Address, "--json")).Json.EnumerateArray()]).Count == 2, "both have answered");
        Assert.Equal(nodes.All.Select(node => node.Id), shown.Select(node => node.GetProperty("id").GetString()));
        Assert.Equal(["", "worker"], shown.Select(node => string.Join(',', node.GetProperty("roles").EnumerateArray())));
        Assert.Equal($"{Environment.MachineName}, process {worker.Id}", shown[1].GetProperty("address").GetString());
        Assert.Equal(
            nodes.All.Select(node => (node.Incarnation, node.Version, node.Since)),
            shown.Select(node => (node.GetProperty("incarnation").GetInt32(), node.GetProperty("version").GetString()!, node.GetProperty("since").GetDateTimeOffset())));
        string[] table = [];
        await Wait.Until(async () => (table = (await RunnelTool.RunAsync("nodes", "--layer", Address)).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)).Length > 2, "both have answered");
        Assert.Matches($"^{nodes.All[1].Id} +worker +{Environment.MachineName}, process {worker.Id} +{Regex.Escape(nodes.All[1].Version)} +[0-9]+(ms|s|m)$", table[2].TrimEnd());
        await worker.KillAsync();

        await Wait.Until(() => nodes.All.Count == 1, "its death is noticed");
    }

    /// <summary>Starts a node in this process.</summary>
    protected async Task<INodes> StartAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Services.AddRunnelCore(options => options.NodeLease = Lease).UseLayer(Address);
        _hosts.Add(builder.Build());
        await _hosts[^1].StartAsync();
        return _hosts[^1].Services.GetRequiredService<INodes>();
    }
}
