using System.Text;
using Microsoft.Extensions.DependencyInjection;
using RabbitMQ.Client;
using Runnel.ChannelLayers;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Channels;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>The channel layer on Django's wire.</summary>
/// <remarks>The ids are those of the list of behaviours that the suite of channels_rabbitmq tests (spec/channels-semantics.md, E.9).</remarks>
public sealed class DjangoChannelLayerTests(SharedRabbitServer server) : IAsyncLifetime
{
    private readonly RecordedLog _log = new();
    private readonly List<IAsyncDisposable> _opened = [];
    private RabbitPlace _place = null!;
    private RabbitMQBackplane _backplane = null!;

    public async ValueTask InitializeAsync() => _place = await RabbitPlace.CreateAsync(server);

    public async ValueTask DisposeAsync()
    {
        foreach (var opened in Enumerable.Reverse(_opened))
            await opened.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Fact] // RM-01, RM-03, RM-14, RM-15
    public async Task A_channel_gets_what_any_process_sends_to_it_in_order_and_no_other_channel_does()
    {
        var (mine, other) = (await OpenAsync(), await OpenAsync());
        var (a, b) = (await mine.NewChannelAsync(), await other.NewChannelAsync());

        for (var i = 0; i < 3; i++)
        {
            await mine.SendAsync(a, Of($"a{i}"));
            await mine.SendAsync(b, Of($"b{i}"));
        }

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal($"a{i}", await ReceiveAsync(mine, a));
            Assert.Equal($"b{i}", await ReceiveAsync(other, b));
        }
        Assert.Matches(@"\Achannels_[A-Za-z]{12}![A-Za-z]{12}\z", a.Value);
    }

    [Fact] // RM-04, RM-05, RM-06, RM-07
    public async Task A_channel_without_a_process_or_of_another_one_is_refused_with_a_sentence()
    {
        var (mine, other) = (await OpenAsync(), await OpenAsync());
        var foreign = await other.NewChannelAsync();

        await Assert.ThrowsAsync<ArgumentException>(async () => await mine.SendAsync("a b", Of("x")));
        var sending = await Assert.ThrowsAsync<InvalidOperationException>(async () => await mine.SendAsync("thumbnails", Of("x")));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await mine.ReceiveAsync("thumbnails"));
        var receiving = await Assert.ThrowsAsync<InvalidOperationException>(async () => await mine.ReceiveAsync(foreign));
        var joining = await Assert.ThrowsAsync<InvalidOperationException>(async () => await mine.AddToGroupAsync("chat", foreign));

        Assert.StartsWith("Channel 'thumbnails' belongs to no process", sending.Message, StringComparison.Ordinal);
        Assert.StartsWith($"Channel '{foreign}' belongs to another process and is received there only.", receiving.Message, StringComparison.Ordinal);
        Assert.StartsWith($"Channel '{foreign}' belongs to another process and is added to groups there.", joining.Message, StringComparison.Ordinal);
    }

    [Fact] // RM-08, RM-16, RM-17, RM-18, RM-19, RM-22
    public async Task A_group_reaches_its_members_in_all_processes_and_who_has_left_gets_only_what_is_sent_to_it()
    {
        var (mine, other) = (await OpenAsync(), await OpenAsync());
        var (a, b, c) = (await mine.NewChannelAsync(), await mine.NewChannelAsync(), await other.NewChannelAsync());
        await mine.RemoveFromGroupAsync("chat", a);
        await mine.SendToGroupAsync("chat", Of("to nobody"));

        await mine.AddToGroupAsync("chat", a);
        await mine.AddToGroupAsync("chat", a);
        await mine.AddToGroupAsync("chat", b);
        await other.AddToGroupAsync("chat", c);
        await other.SendToGroupAsync("chat", Of("to all"));
        Assert.Equal(("to all", "to all", "to all"), (await ReceiveAsync(mine, a), await ReceiveAsync(mine, b), await ReceiveAsync(other, c)));

        await mine.RemoveFromGroupAsync("chat", a);
        await mine.RemoveFromGroupAsync("chat", a);
        await mine.SendToGroupAsync("chat", Of("to those who stay"));
        await mine.SendAsync(a, Of("to a"));
        Assert.Equal(("to a", "to those who stay", "to those who stay"), (await ReceiveAsync(mine, a), await ReceiveAsync(mine, b), await ReceiveAsync(other, c)));
    }

    [Fact] // RM-11
    public async Task A_process_whose_queue_is_full_refuses_the_message_and_takes_more_when_it_has_room()
    {
        var layer = await OpenAsync();
        await using var stands = await DjangoPeer.StartAsync(_place.Host.Address, capacity: 1, consumes: false);
        ChannelName channel = $"{stands.Queue}!inbox";

        await layer.SendAsync(channel, Of("1"));
        var full = await Assert.ThrowsAsync<ChannelFullException>(async () => await layer.SendAsync(channel, Of("2")));
        await stands.ConsumeAsync();
        Assert.Contains("\"text\":\"1\"", await stands.NextAsync(), StringComparison.Ordinal);
        await layer.SendAsync(channel, Of("3"));

        Assert.Equal(channel, full.Channel);
        Assert.Contains("\"text\":\"3\"", await stands.NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Python_answers_to_a_channel_of_this_process()
    {
        var layer = await OpenAsync();
        var channel = await layer.NewChannelAsync();
        await using var peer = await DjangoPeer.StartAsync(_place.Host.Address);

        await layer.SendAsync($"{peer.Queue}!question", new Message("ask", Encoding.UTF8.GetBytes($$"""{"reply_channel":"{{channel}}"}""")));
        Assert.Equal($$"""{"type":"ask","reply_channel":"{{channel}}","__asgi_channel__":"{{peer.Queue}}!question"}""", await peer.NextAsync());
        await peer.SendAsync(channel.Value, """{"type":"answer","text":"42"}""");

        var answer = await Wait.For(layer.ReceiveAsync(channel).AsTask(), "the answer");
        Assert.Equal(("answer", """{"text":"42"}"""), (answer.Type, Encoding.UTF8.GetString(answer.Body.Span)));
    }

    [Fact]
    public async Task While_the_broker_is_away_a_channel_is_neither_made_nor_sent_to_and_a_sentence_says_so()
    {
        await using var wire = TcpWire.To((await server.Server).Port);
        RabbitMQOptions used = null!;
        var layer = await OpenAsync(options => (options.Host, used) = (_place.Host.AddressAt(wire.Port), options));
        used.OutageTimeout = TimeSpan.FromSeconds(0.5); // not before, since a busy machine may need longer for the start
        wire.Cut();

        var naming = await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(layer.NewChannelAsync().AsTask(), "the failure"));
        var sending = await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(layer.SendAsync("channels_there!inbox", Of("x")).AsTask(), "the failure"));

        Assert.StartsWith("There is no new channel: nothing that is sent to it would arrive. RabbitMQ at", naming.Message, StringComparison.Ordinal);
        Assert.StartsWith("The message to channel 'channels_there!inbox' was not sent, as far as is known. RabbitMQ at", sending.Message, StringComparison.Ordinal);
    }

    [Fact] // A.8: what made the original stand still
    public async Task A_channel_that_nobody_reads_does_not_stop_the_process()
    {
        var layer = await OpenAsync(options => (options.LocalCapacity, options.RemoteCapacity) = (2, 10_000));
        var (dead, live) = (await layer.NewChannelAsync(), await layer.NewChannelAsync());
        var receiving = layer.ReceiveAsync(live).AsTask();

        for (var i = 0; i < 20; i++)
            await layer.SendAsync(dead, Of($"{i}"));
        await layer.SendAsync(live, Of("alive"));

        Assert.Contains("alive", Encoding.UTF8.GetString((await Wait.For(receiving, "the message")).Body.Span), StringComparison.Ordinal);
        Assert.Contains($"'{dead}' (2)", Assert.Single(_log.Of(4230)).Text, StringComparison.Ordinal);
        Assert.Equal("0", await ReceiveAsync(layer, dead));
    }

    [Fact] // RM-30
    public async Task Many_messages_at_once_arrive_whole()
    {
        var (mine, other) = (await OpenAsync(options => (options.LocalCapacity, options.RemoteCapacity) = (1_000, 1_000)), await OpenAsync());
        var (direct, member) = (await mine.NewChannelAsync(), await mine.NewChannelAsync());
        await mine.AddToGroupAsync("crowd", member);
        var (directs, members) = (new List<string>(), new List<string>());

        await Task.WhenAll(Enumerable.Range(0, 100).SelectMany(i => new[] { other.SendAsync(direct, Of($"{i}")).AsTask(), other.SendToGroupAsync("crowd", Of($"{i}")).AsTask() }));
        for (var i = 0; i < 100; i++)
        {
            directs.Add(await ReceiveAsync(mine, direct));
            members.Add(await ReceiveAsync(mine, member));
        }

        var all = Enumerable.Range(0, 100).Select(i => $"{i}").Order();
        Assert.Equal(all, directs.Order());
        Assert.Equal(all, members.Order());
    }

    [Fact] // RM-24, RM-25, RM-26
    public async Task The_end_of_the_layer_ends_everything_that_waits_whether_it_was_connected_or_not()
    {
        var connected = await OpenAsync();
        var receiving = connected.ReceiveAsync(await connected.NewChannelAsync()).AsTask();
        var never = await OpenAsync();
        var channel = await connected.NewChannelAsync();

        await connected.DisposeAsync();
        await never.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => Wait.For(receiving, "the end"));
        foreach (var layer in new[] { connected, never })
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(async () => await layer.SendAsync(channel, Of("x")));
            await Assert.ThrowsAsync<ObjectDisposedException>(async () => await layer.ReceiveAsync(channel));
            await Assert.ThrowsAsync<ObjectDisposedException>(async () => await layer.NewChannelAsync());
            await Assert.ThrowsAsync<ObjectDisposedException>(async () => await layer.AddToGroupAsync("chat", channel));
            await Assert.ThrowsAsync<ObjectDisposedException>(async () => await layer.SendToGroupAsync("chat", Of("x")));
        }
    }

    [Fact] // RM-29
    public async Task A_queue_that_the_broker_still_takes_for_somebody_elses_is_waited_for()
    {
        var layer = await OpenAsync();
        var queue = _backplane.Queue.Name;
        var factory = new ConnectionFactory { Uri = new Uri(_place.Host.Address) };
        await using var before = await factory.CreateConnectionAsync();
        await using var channel = await before.CreateChannelAsync();
        await channel.QueueDeclareAsync(queue, durable: false, exclusive: true, autoDelete: false);

        var naming = layer.NewChannelAsync().AsTask();
        await Wait.Until(() => _log.Of(4200).Any(), "the conflict is logged");
        Assert.False(naming.IsCompleted);
        await before.CloseAsync();

        var name = await Wait.For(naming, "the channel");
        await layer.SendAsync(name, Of("there"));
        Assert.Equal("there", await ReceiveAsync(layer, name));
        Assert.StartsWith($"{queue}!", name.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_flush_forgets_what_waits_and_all_groups()
    {
        var layer = await OpenAsync();
        var channel = await layer.NewChannelAsync();
        await layer.AddToGroupAsync("chat", channel);
        await layer.SendToGroupAsync("chat", Of("forgotten"));
        await layer.SendAsync(channel, Of("forgotten"));
        await ReceiveAsync(layer, channel);
        await ReceiveAsync(layer, channel);
        await layer.SendAsync(channel, Of("first"));
        Assert.Equal("first", await ReceiveAsync(layer, channel));

        await layer.FlushAsync();
        await layer.SendToGroupAsync("chat", Of("to nobody"));
        await layer.SendAsync(channel, Of("after"));

        Assert.Equal("after", await ReceiveAsync(layer, channel));
    }

    [Fact]
    public async Task An_application_gets_this_channel_layer_with_the_wire_and_needs_no_work_queue()
    {
        var services = new ServiceCollection();
        services.AddRunnelCore().UseRabbitMQ(_place.Host.Address, options => options.Wire = RabbitMQWire.Django).AddChannelLayer();
        await using var provider = services.BuildServiceProvider();
        await provider.GetRequiredService<ConfiguredLayer>().OpenAsync();

        var layer = provider.GetRequiredService<IChannelLayer>();
        var channel = await layer.NewChannelAsync();
        await layer.SendAsync(channel, Of("hello"));

        Assert.Equal("hello", Text(await Wait.For(layer.ReceiveAsync(channel).AsTask(), "the message")));
    }

    private async Task<DirectChannelLayer> OpenAsync(Action<RabbitMQOptions>? configure = null)
    {
        var broker = _place.Open(options =>
        {
            options.Wire = RabbitMQWire.Django;
            configure?.Invoke(options);
        }, _log);
        _backplane = new RabbitMQBackplane(broker);
        await broker.OpenAsync();
        var channels = new DjangoChannels(broker, _backplane);
        var layer = new DirectChannelLayer(_backplane, channels, new ChannelLayerOptions(), TimeProvider.System);
        _opened.AddRange([_backplane, channels, layer]);
        return layer;
    }

    private static Message Of(string text) => new("test.message", Encoding.UTF8.GetBytes($$"""{"text":"{{text}}"}"""));

    private static string Text(Message message) => System.Text.Json.JsonDocument.Parse(message.Body).RootElement.GetProperty("text").GetString()!;

    private static async Task<string> ReceiveAsync(DirectChannelLayer layer, ChannelName channel) => Text(await Wait.For(layer.ReceiveAsync(channel).AsTask(), $"a message on '{channel}'"));
}
