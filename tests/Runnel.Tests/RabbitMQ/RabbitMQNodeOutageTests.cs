using System.Text;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>A node whose broker takes no messages for a while, or loses patience with it.</summary>
[Collection(nameof(MortalRabbitServer))]
public sealed class RabbitMQNodeOutageTests(MortalRabbitServer mortal)
{
    private const int Blocked = 4203;
    private static readonly Topic Articles = Topic.OfGroup("articles");

    private readonly RabbitServer _server = mortal.Server;

    [Fact]
    public async Task A_node_that_stands_still_for_longer_than_the_broker_allows_is_told_and_hears_again()
    {
        await _server.SetDeliveryTimeoutAsync(TimeSpan.FromSeconds(1));
        await using var place = new RabbitPlace(await _server.CreateHostAsync());
        await using var node = await place.OpenBackplaneAsync();
        using var go = new ManualResetEventSlim();
        var (taken, gaps) = (0, 0);
        await using var stands = await node.SubscribeAsync(Articles, _ =>
        {
            Interlocked.Increment(ref taken);
            go.Wait();
        }, _ => Interlocked.Increment(ref gaps));

        await PublishAsync(node);
        await Wait.Until(async () => (await place.Host.QueuesAsync()).All(queue => queue.Consumers == 0), "the broker has closed its channel");
        await _server.SetDeliveryTimeoutAsync(null);
        go.Set();

        await Wait.Until(() => Volatile.Read(ref gaps) > 0, "the gap was told");
        await PublishAsync(node);
        await Wait.Until(() => Volatile.Read(ref taken) == 2, "it hears");
    }

    [Fact]
    public async Task What_is_published_goes_out_when_the_connection_was_lost_that_the_broker_took_nothing_on()
    {
        using var log = new RecordedLog();
        await using var place = new RabbitPlace(await _server.CreateHostAsync());
        await using var wire = TcpWire.To(_server.Port);
        await using var node = await place.OpenBackplaneAsync(options => options.Host = place.Host.AddressAt(wire.Port), log);

        await _server.SetMemoryAlarmAsync(true);
        var first = PublishAsync(node);
        await Wait.Until(() => log.Of(Blocked).Any(), "the broker takes nothing");
        wire.Cut();
        await _server.SetMemoryAlarmAsync(false);
        wire.Heal();

        await Wait.For(PublishAsync(node), "the next one to go out");
        await ((Task)first).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext); // nobody knows what became of that
    }

    [Fact]
    public async Task No_more_than_so_many_wait_while_the_broker_takes_nothing()
    {
        using var log = new RecordedLog();
        await using var place = new RabbitPlace(await _server.CreateHostAsync());
        await using var node = await place.OpenBackplaneAsync(options => (options.OutageBuffer, options.OutageTimeout) = (2, TimeSpan.FromMinutes(10)), log);

        await _server.SetMemoryAlarmAsync(true);
        var first = PublishAsync(node);
        await Wait.Until(() => log.Of(Blocked).Any(), "the broker takes nothing");
        var waiting = new[] { PublishAsync(node), PublishAsync(node) };
        var tooMany = await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(PublishAsync(node), "the refusal"));
        Assert.DoesNotContain(waiting, task => task.IsCompleted);
        await _server.SetMemoryAlarmAsync(false);

        await Wait.For(Task.WhenAll([first, .. waiting]), "those that waited");
        Assert.Contains("OutageBuffer", tooMany.Message, StringComparison.Ordinal);
    }

    private static Task<Position> PublishAsync(RabbitMQBackplane node) => node.PublishAsync(Articles, Encoding.UTF8.GetBytes("x"), retention: null).AsTask();
}
