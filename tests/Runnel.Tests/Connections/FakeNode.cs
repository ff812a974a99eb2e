using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Runnel.Consumers;
using Runnel.Groups;
using Runnel.Layers;
using Runnel.Tests.Recording;

namespace Runnel.Tests.Connections;

/// <summary>A node without a web server, put together as an application's is. Its connections are <see cref="FakeConnection"/>s.</summary>
internal sealed class FakeNode : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    public FakeNode(IBackplane backplane, TimeProvider? clock, RecordedLog? logs, Action<RunnelOptions>? configure)
    {
        var services = new ServiceCollection();
        services.AddSingleton(backplane);
        services.AddSingleton(clock ?? TimeProvider.System);
        services.AddLogging(builder => builder.SetMinimumLevel(LogLevel.Debug).AddProvider(logs ?? new RecordedLog()));
        services.AddRunnelCore(configure);
        _services = services.BuildServiceProvider();
    }

    public NodeContext Context => _services.GetRequiredService<NodeContext>();

    public SessionHost Sessions => _services.GetRequiredService<SessionHost>();

    public GroupRegistry Groups => _services.GetRequiredService<GroupRegistry>();

    public MemberTable Members => _services.GetRequiredService<MemberTable>();

    public int ConnectionCount => _services.GetRequiredService<RunnelNode>().ConnectionCount;

    /// <summary>How many groups a connection is in.</summary>
    public int GroupCountOf(Connection connection) => Members.Find(connection.Number)!.GroupCount;

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
