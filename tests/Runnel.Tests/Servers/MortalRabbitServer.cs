using Xunit;

namespace Runnel.Tests.Servers;

/// <summary>One RabbitMQ for all tests that kill it, or let it run out of memory. They run one after another, and leave it alive and well.</summary>
[CollectionDefinition(nameof(MortalRabbitServer))]
public sealed class MortalRabbitServer : ICollectionFixture<MortalRabbitServer>, IAsyncLifetime
{
    /// <summary>The server.</summary>
    internal RabbitServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await RabbitServer.StartAsync(new());

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
