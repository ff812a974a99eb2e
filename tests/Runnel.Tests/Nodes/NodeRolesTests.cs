using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Runnel.AspNetCore;
using Runnel.Tests.Connections;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Nodes;

/// <summary>What a node says of itself. In memory it is the only one.</summary>
public sealed class NodeRolesTests
{
    [Fact]
    public async Task A_server_with_channels_is_a_gateway_and_a_worker()
    {
        await using var app = await RunnelApp.StartAsync(app => app.MapChannel("mail", (string _) => { }));

        var node = Assert.Single(app.Services.GetRequiredService<INodes>().All);
        Assert.Equal((app.Node.Id, 1, NodeRoles.Gateway | NodeRoles.Worker), (node.Id, node.Incarnation, node.Roles));
        Assert.Equal(app.Address, new Uri(node.Address));
        Assert.NotEmpty(node.Version);
        Assert.DoesNotContain('+', node.Version); // the commit
    }

    [Fact]
    public async Task A_server_whose_worker_is_off_is_a_gateway()
    {
        await using var app = await RunnelApp.StartInMemoryAsync(
            app => app.MapChannel("mail", (string _) => { }),
            builder =>
            {
                builder.Services.Configure<WorkerOptions>(options => options.Enabled = false);
                builder.Services.Configure<RunnelOptions>(options => options.NodeAddress = "the shop");
            });

        var node = Assert.Single(app.Services.GetRequiredService<INodes>().All);
        Assert.Equal((NodeRoles.Gateway, "the shop"), (node.Roles, node.Address));
    }

    [Fact]
    public async Task A_host_without_a_server_is_a_worker_that_shows_its_process()
    {
        var builder = Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Services.AddRunnelCore().AddRunnelWorkers();
        using var host = builder.Build();
        host.MapChannel("mail", (string _) => { });
        await host.StartAsync(TestContext.Current.CancellationToken);

        var node = Assert.Single(host.Services.GetRequiredService<INodes>().All);
        await host.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal((NodeRoles.Worker, $"{Environment.MachineName}, process {Environment.ProcessId}"), (node.Roles, node.Address));
        Assert.Empty(host.Services.GetRequiredService<INodes>().All);
    }

    [Theory]
    [InlineData("http://0.0.0.0:5000", true)]
    [InlineData("http://[::]:5000", true)]
    [InlineData("http://*:5000", true)]
    [InlineData("http://+:5000", true)]
    [InlineData("http://127.0.0.1:5000", false)]
    public async Task A_server_that_listens_on_any_address_shows_its_machine(string listened, bool isAny)
    {
        using var server = new ListeningServer(listened);
        var role = new GatewayRole(server);
        await role.StartAsync(TestContext.Current.CancellationToken);

        Assert.Equal(isAny ? $"http://{Environment.MachineName}:5000" : listened, role.Address);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(601)]
    public void A_lease_that_is_out_of_its_range_is_refused(int seconds)
    {
        using var services = new ServiceCollection().AddRunnelCore(options => options.NodeLease = TimeSpan.FromSeconds(seconds)).Services.BuildServiceProvider();

        Assert.Contains("NodeLease", Assert.Throws<OptionsValidationException>(() => services.GetRequiredService<IOptions<RunnelOptions>>().Value).Message, StringComparison.Ordinal);
    }

    private sealed class ListeningServer : IServer
    {
        public ListeningServer(string address)
        {
            var addresses = new ServerAddressesFeature();
            addresses.Addresses.Add(address);
            Features.Set<IServerAddressesFeature>(addresses);
        }

        public IFeatureCollection Features { get; } = new FeatureCollection();

        public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
            where TContext : notnull => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public void Dispose()
        {
        }
    }
}
