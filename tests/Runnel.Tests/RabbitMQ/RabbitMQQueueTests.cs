using System.Text;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Sending;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>Tests of the work queue of one process, on a virtual host of their own, and of other processes beside it.</summary>
/// <param name="server">The server.</param>
/// <param name="shards">Over how many queues a channel's keys are spread.</param>
public abstract class RabbitMQQueueTests(SharedRabbitServer server, int shards) : IAsyncLifetime
{
    private protected static readonly ChannelName Channel = "payments";

    private readonly List<RabbitMQWorkQueue> _opened = [];

    private protected Task<RabbitServer> Server => server.Server;

    private protected RabbitPlace Place { get; private set; } = null!;

    private protected RabbitMQWorkQueue Queue { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Place = await RabbitPlace.CreateAsync(server);
        Queue = Open();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var queue in _opened)
            await queue.DisposeAsync();
        await Place.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the queue of one more process.</summary>
    private protected RabbitMQWorkQueue Open(Action<RabbitMQOptions>? configure = null)
    {
        var queue = new RabbitMQWorkQueue(Place.Open(options =>
        {
            options.KeyShards = shards;
            configure?.Invoke(options);
        }));
        _opened.Add(queue);
        return queue;
    }

    private protected string KeyOn(int shard) => KeysOn(shard).First();

    private protected IEnumerable<string> KeysOn(int shard) => Enumerable.Range(0, 1_000).Select(number => $"key-{number}").Where(key => KeyShard.Of(key, shards) == shard);

    private protected static Envelope Of(string text, string? key = null) =>
        new(new Message("pay", Encoding.UTF8.GetBytes(text))) { Id = MessageId.New(TimeProvider.System), SentAt = TimeProvider.System.GetUtcNow(), Key = key };

    private protected static string Text(ReceivedMessage message) => Encoding.UTF8.GetString(message.Envelope.Message.Body.Span);

    private protected static async Task<ReceivedMessage> TakeOneAsync(IWorkReceiver lease, int max = 1) =>
        Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, max).AsTask(), "a message"));
}
