using System.Text;
using RabbitMQ.Client;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Receiving;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What somebody else has put into a queue of a channel, or among the notes on its messages.</summary>
public sealed class RabbitMQUnreadableTests(SharedRabbitServer server) : IAsyncLifetime
{
    private const int UnreadableMessage = 4223, UnreadableLetter = 4227;
    private static readonly ChannelName Channel = "payments";

    private readonly RecordedLog _log = new();
    private RabbitPlace _place = null!;
    private RabbitMQBroker _broker = null!;
    private RabbitMQWorkQueue _queue = null!;

    public async ValueTask InitializeAsync()
    {
        _place = await RabbitPlace.CreateAsync(server);
        _broker = _place.Open(log: _log);
        _queue = new RabbitMQWorkQueue(_broker);
    }

    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Fact]
    public async Task What_cannot_be_read_is_put_aside_once_where_an_operator_can_purge_it()
    {
        await _queue.EnqueueAsync(Channel, [Of("1")], EnqueueOptions.Default);
        await using var channel = await (await _broker.GetConnectionAsync()).CreateChannelAsync();
        await channel.BasicPublishAsync("", $"runnel.q:{Channel}", mandatory: true, new BasicProperties(), "nonsense"u8.ToArray());
        // It goes out on an AMQP channel of its own: behind the last message a worker might have left before it comes.
        await Wait.Until(async () => await channel.MessageCountAsync($"runnel.q:{Channel}") == 2, "it is stored");
        await _queue.EnqueueAsync(Channel, [Of("2")], EnqueueOptions.Default);

        await using (var lease = await _queue.OpenReceiverAsync(new ReceiverOptions()))
        {
            for (var next = 1; next <= 2; next++)
            {
                var message = Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 1).AsTask(), "a message that can be read"));
                Assert.Equal($"{next}", Encoding.UTF8.GetString(message.Envelope.Message.Body.Span));
                Assert.True(await lease.CompleteAsync(message));
            }
            await Wait.Until(async () => (await _queue.ListChannelsAsync()).SingleOrDefault()?.Dead == 1, "the other one is put aside");
        }

        Assert.Equal(0u, await channel.MessageCountAsync($"runnel.q:{Channel}"));
        Assert.Contains($"'runnel.q:{Channel}'", Assert.Single(_log.Of(UnreadableMessage)).Text, StringComparison.Ordinal);
        Assert.Empty(await _queue.ListDeadLettersAsync(Channel, DeadLetterFilter.All, 10));
        Assert.Contains($"'{Channel}'", Assert.Single(_log.Of(UnreadableLetter)).Text, StringComparison.Ordinal);
        Assert.Equal(0, await _queue.PurgeAsync(Channel, new DeadLetterFilter { Type = "pay" }));
        Assert.Equal(1, await _queue.PurgeAsync(Channel, DeadLetterFilter.All));
    }

    [Fact]
    public async Task Notes_that_cannot_be_read_are_passed_over_however_many_there_are()
    {
        const int MoreThanAtATime = 1_000;
        string[] nonsense = ["not-Base64!", "1 many 1", "1 1 -1", "99999999999999999999 1 1", "1 1 1 1"];
        var sent = Of("1") with { Key = "k" };
        await _queue.EnqueueAsync(Channel, [sent], EnqueueOptions.Default);
        var dies = (RabbitWorkReceiver)await _queue.OpenReceiverAsync(new ReceiverOptions());
        Assert.Single(await Wait.For(dies.ReceiveAsync(Channel, 1).AsTask(), "the message"));
        await using var channel = await (await _broker.GetConnectionAsync()).CreateChannelAsync();
        for (var i = 0; i < MoreThanAtATime; i++)
            await channel.BasicPublishAsync("", "runnel.notes", mandatory: true, new BasicProperties(), Encoding.UTF8.GetBytes($"{sent.Id} {nonsense[i % nonsense.Length]}"));
        await dies.AbortAsync();

        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());

        Assert.Equal(1, Assert.Single(await Wait.For(lease.ReceiveAsync(Channel, 1).AsTask(), "the message once more")).Envelope.Crashes);
    }

    private static Envelope Of(string text) => new(new Message("pay", Encoding.UTF8.GetBytes(text))) { Id = MessageId.New(TimeProvider.System) };
}
