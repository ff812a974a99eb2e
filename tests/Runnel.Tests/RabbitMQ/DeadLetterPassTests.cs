using System.Reflection;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using Runnel.Layers;
using Runnel.RabbitMQ.Receiving;
using Runnel.RabbitMQ.Sending;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>How all dead letters of a channel are taken, whatever comes first.</summary>
public sealed class DeadLetterPassTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly FakeChannel _channel;

    public DeadLetterPassTests() => _channel = (FakeChannel)(object)DispatchProxy.Create<IChannel, FakeChannel>();

    [Fact]
    public async Task They_come_oldest_first_though_the_last_one_is_here_before_the_others()
    {
        _channel.Last = LetterAt(2);
        _channel.Consumed.AddRange([LetterAt(0), LetterAt(1)]);

        var taken = await TakeAsync();

        Assert.Equal([2UL, 3UL, 1UL], taken.Select(letter => letter.Tag));
        Assert.Equal([Noon, Noon.AddSeconds(1), Noon.AddSeconds(2)], taken.Select(letter => letter.Letter!.At));
    }

    [Fact]
    public async Task One_that_cannot_be_read_is_taken_too_so_that_it_goes_back_or_is_purged()
    {
        var (properties, _) = LetterAt(0);
        _channel.Consumed.AddRange([(properties, "nonsense"u8.ToArray()), LetterAt(1), (new BasicProperties(), "somebody else's"u8.ToArray())]);

        var taken = await TakeAsync();

        Assert.Equal([2UL, 3UL, 4UL], taken.Select(letter => letter.Tag).Order());
        Assert.Equal([3UL], taken.Where(letter => letter.Letter is not null).Select(letter => letter.Tag));
    }

    [Fact]
    public async Task When_the_broker_closes_the_channel_nobody_waits_for_more()
    {
        _channel.IsClosed = true;

        var failure = await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(TakeAsync(), "the failure"));

        Assert.Contains("dead letters of channel 'work'", failure.Message, StringComparison.Ordinal);
    }

    private static (BasicProperties Properties, byte[] Body) LetterAt(int second)
    {
        var message = StoredMessage.Of(new Envelope(new Message("pay", default)) { Id = MessageId.New(TimeProvider.System) });
        return (DeadLetters.Properties(message, DeadLetterReason.Rejected, "no", Noon.AddSeconds(second)), message.Bytes);
    }

    private Task<List<TakenLetter>> TakeAsync() => DeadLetterPass.TakeAsync(
        (IChannel)(object)_channel, "work", new BrokerQueue("runnel.dead:work", new Dictionary<string, object?>()), NullLogger.Instance, TestContext.Current.CancellationToken);

    /// <summary>Hands out one message to whoever asks for one, and the others before it says that the consumer is cancelled.</summary>
    public class FakeChannel : DispatchProxy
    {
        private AsyncDefaultBasicConsumer? _consumer;

        public (BasicProperties Properties, byte[] Body)? Last { get; set; }

        public List<(BasicProperties Properties, byte[] Body)> Consumed { get; } = [];

        public bool IsClosed { get; set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            switch (targetMethod!.Name)
            {
                case nameof(IChannel.BasicQosAsync):
                    return Task.CompletedTask;
                case nameof(IChannel.BasicConsumeAsync):
                    _consumer = args!.OfType<AsyncDefaultBasicConsumer>().Single();
                    return Task.FromResult("tag");
                case nameof(IChannel.BasicGetAsync):
                    return Task.FromResult(Last is { } last ? new BasicGetResult(1, false, "", "", 0, last.Properties, last.Body) : null);
                default:
                    Assert.Equal(nameof(IChannel.BasicCancelAsync), targetMethod.Name);
                    return EndAsync();
            }
        }

        private async Task EndAsync()
        {
            foreach (var (i, letter) in Consumed.Index())
                await _consumer!.HandleBasicDeliverAsync("tag", (ulong)i + 2, false, "", "", letter.Properties, letter.Body);
            if (IsClosed)
                await _consumer!.HandleChannelShutdownAsync(this, new ShutdownEventArgs(ShutdownInitiator.Peer, 404, "It is gone."));
            else
                await _consumer!.HandleBasicCancelOkAsync("tag");
        }
    }
}
