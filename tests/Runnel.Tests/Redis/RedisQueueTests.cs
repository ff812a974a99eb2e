using Runnel.Layers;
using Runnel.Redis;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>Tests of the work queue of one process and its channel <c>work</c>. The process's time stands still until a test moves it; the server's goes on.</summary>
public abstract class RedisQueueTests : IClassFixture<RedisServer>, IAsyncDisposable
{
    private protected RedisQueueTests(RedisServer server, Action<RedisOptions>? configure = null)
    {
        Place = new RedisPlace(server, Time);
        Queue = new RedisWorkQueue(Place.Open(configure));
    }

    private protected ManualTimeProvider Time { get; } = new();

    private protected RedisPlace Place { get; }

    private protected RedisWorkQueue Queue { get; }

    public async ValueTask DisposeAsync()
    {
        await Queue.DisposeAsync();
        await Place.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>The key of something of the channel.</summary>
    private protected string Key(string name) => $"{Place.Prefix}:{{work}}:{name}";

    private protected static Envelope NewMessage(string type = "do", string? key = null) => new(new Message(type, default)) { Id = MessageId.New(TimeProvider.System), Key = key };
}
