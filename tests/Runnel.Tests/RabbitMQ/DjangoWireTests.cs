using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Runnel.RabbitMQ;
using Runnel.Tests.Connections;
using Runnel.Tests.Recording;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>An application on Django's wire, and a Python process that knows nothing of Runnel.</summary>
/// <remarks>The ids are those of the list of behaviours that the suite of channels_rabbitmq tests (spec/channels-semantics.md, E.9).</remarks>
public sealed class DjangoWireTests(SharedRabbitServer server) : IAsyncLifetime
{
    private readonly RecordedLog _log = new();
    private RabbitMQBackplane? _backplane;
    private RabbitPlace _place = null!;

    public async ValueTask InitializeAsync() => _place = await RabbitPlace.CreateAsync(server);

    public async ValueTask DisposeAsync()
    {
        if (_backplane is not null)
            await _backplane.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Fact] // RM-19
    public async Task Python_and_CSharp_share_a_group_events_and_frames_in_both_directions()
    {
        await using var peer = await DjangoPeer.StartAsync(_place.Host.Address, "chat");
        await using var app = await StartAsync();
        await using var client = await app.ConnectInMemoryAsync("/chat");
        Assert.Equal("welcome", await client.ReceiveTextAsync());

        await app.Groups.SendEventAsync("chat", "chat.message", new ChatMessage("hi", 3, 1.5, [1, 2]));
        Assert.Equal("""{"type":"chat.message","text":"hi","count":3,"weight":1.5,"list":[1,2],"__asgi_group__":"chat"}""", await peer.NextAsync());
        Assert.Equal("hi 3 1.5 1,2", await client.ReceiveTextAsync());

        await peer.SendToGroupAsync("chat", """{"type":"chat.message","text":"é","count":4,"weight":2.0,"list":[],"more":{"$bytes":"00ff"}}""");
        Assert.Equal("é 4 2 ", await client.ReceiveTextAsync());
        await peer.NextAsync(); // it is a member, too

        await app.Groups.SendAsync("chat", "straight to the clients");
        Assert.Equal("straight to the clients", await client.ReceiveTextAsync());
        Assert.Equal("""{"type":"websocket.send","text":"straight to the clients","__asgi_group__":"chat"}""", await peer.NextAsync());

        await app.Groups.SendAsync("chat", new byte[] { 1, 255 });
        Assert.Equal("""{"type":"websocket.send","bytes":{"$bytes":"01ff"},"__asgi_group__":"chat"}""", await peer.NextAsync());
        Assert.Equal(new byte[] { 1, 255 }, await client.ReceiveBinaryAsync());

        await peer.SendToGroupAsync("chat", """{"type":"websocket.send","text":"from Python"}""");
        Assert.Equal("from Python", await client.ReceiveTextAsync());
    }

    [Fact] // D.4: the objects
    public async Task The_broker_holds_what_channels_rabbitmq_would_have_declared()
    {
        await using var app = await StartAsync();
        await using var client = await app.ConnectInMemoryAsync("/chat");
        await client.ReceiveTextAsync();
        await using var peer = await DjangoPeer.StartAsync(_place.Host.Address, "chat");

        await app.Groups.SendAsync("chat", "x");
        var queue = (await _place.Host.QueuesAsync()).Single(queue => queue.Name != peer.Queue);

        Assert.Equal("""{"headers":{}}""", await peer.NextPropertiesAsync()); // RabbitMQ.Client adds the empty table to whatever is to be confirmed
        Assert.Matches(@"\Achannels_[A-Za-z]{12}\z", queue.Name);
        Assert.Equal((false, true, false, 1), (queue.Durable, queue.Exclusive, queue.AutoDelete, queue.Consumers));
        Assert.Equal(
            ["x-max-length=100", "x-message-ttl=60000", "x-overflow=reject-publish"],
            queue.Arguments.Select(argument => $"{argument.Key}={argument.Value}").Order(StringComparer.Ordinal));
        var exchange = Assert.Single(await _place.Host.ExchangesAsync());
        Assert.Equal(("groups", "direct", false, false), (exchange.Name, exchange.Type, exchange.Durable, exchange.AutoDelete));
        Assert.Contains($"groups -chat-> {queue.Name}", await _place.Host.BindingsAsync());
    }

    [Fact] // RM-23
    public async Task What_cannot_be_read_is_counted_logged_once_and_stops_nothing()
    {
        await using var app = await StartAsync();
        await using var client = await app.ConnectInMemoryAsync("/chat");
        await client.ReceiveTextAsync();
        await using var peer = await DjangoPeer.StartAsync(_place.Host.Address);

        for (var i = 0; i < 50; i++) // the queue takes 100
            await peer.SendRawAsync("chat", 0xc1, (byte)i);
        await peer.SendToGroupAsync("chat", """{"no":"type"}""");
        await peer.SendToGroupAsync("chat", """{"type":"websocket.send","text":"after"}""");

        Assert.Equal("after", await client.ReceiveTextAsync());
        var warning = Assert.Single(_log.Of(4210));
        Assert.Contains("'groups' under 'chat'", warning.Text, StringComparison.Ordinal);
        Assert.True((await _place.Host.QueuesAsync()).All(queue => queue.MessagesReady == 0));
    }

    [Fact]
    public async Task What_django_could_not_read_is_refused_at_the_sender()
    {
        await using var app = await StartAsync();

        var refused = await Assert.ThrowsAsync<ArgumentException>(() => app.Groups.SendEventAsync("chat", "tick", 7).AsTask());

        Assert.Equal("The message 'tick' for group 'chat' cannot go to Django: its body is not a JSON object.", refused.Message);
    }

    [Fact] // RM-20
    public async Task Another_groups_exchange_is_another_world()
    {
        await using var app = await StartAsync(options => options.GroupsExchange = "others");
        await using var client = await app.ConnectInMemoryAsync("/chat");
        await client.ReceiveTextAsync();
        await using var peer = await DjangoPeer.StartAsync(_place.Host.Address, "chat");

        await peer.SendToGroupAsync("chat", """{"type":"websocket.send","text":"in groups"}""");
        await peer.NextAsync(); // the broker has done with it
        await app.Groups.SendAsync("chat", "in others");

        Assert.Equal("in others", await client.ReceiveTextAsync());
    }

    [Fact] // RM-15, RM-30
    public async Task Many_messages_in_both_directions_arrive_whole_and_in_order()
    {
        await using var app = await StartAsync();
        await using var client = await app.ConnectInMemoryAsync("/chat");
        await client.ReceiveTextAsync();
        await using var peer = await DjangoPeer.StartAsync(_place.Host.Address, capacity: 1000, consumes: true, "chat");

        for (var i = 0; i < 100; i++)
            await app.Groups.SendEventAsync("chat", "numbered", new { number = i, padding = new string('x', i * 100) });
        for (var i = 0; i < 100; i++)
            Assert.StartsWith($$"""{"type":"numbered","number":{{i}},""", await peer.NextAsync(), StringComparison.Ordinal);

        for (var i = 0; i < 100; i++)
            await peer.SendToGroupAsync("chat", $$"""{"type":"websocket.send","text":"{{i}}"}""");
        for (var i = 0; i < 100; i++)
            Assert.Equal($"{i}", await client.ReceiveTextAsync());
    }

    [Fact] // RM-21
    public async Task A_member_whose_queue_is_full_misses_the_message_and_the_others_get_it()
    {
        await using var app = await StartAsync();
        await using var client = await app.ConnectInMemoryAsync("/chat");
        await client.ReceiveTextAsync();
        await using var full = await DjangoPeer.StartAsync(_place.Host.Address, capacity: 1, consumes: false, "chat");

        for (var i = 0; i < 3; i++)
            await app.Groups.SendAsync("chat", $"{i}");

        for (var i = 0; i < 3; i++)
            Assert.Equal($"{i}", await client.ReceiveTextAsync());
        Assert.Equal(1, (await _place.Host.QueueAsync(full.Queue)).MessagesReady);
        Assert.Contains("group:chat", Assert.Single(_log.Of(4211)).Text, StringComparison.Ordinal);
    }

    private async Task<RunnelApp> StartAsync(Action<RabbitMQOptions>? configure = null)
    {
        _backplane = await _place.OpenBackplaneAsync(options =>
        {
            options.Host += "?wire=django";
            configure?.Invoke(options);
        }, _log);
        return await RunnelApp.StartInMemoryAsync(app => app.MapConsumer<ChatConsumer>("/chat"), builder => builder.With(_backplane));
    }

    public sealed record ChatMessage(string Text, int Count, double Weight, int[] List);

    public sealed class ChatConsumer : WebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("chat", cancellationToken);
            await SendAsync("welcome", cancellationToken);
        }

        [Handles("chat.message")]
        public ValueTask ChatMessage(ChatMessage message, CancellationToken cancellationToken) =>
            SendAsync(string.Create(CultureInfo.InvariantCulture, $"{message.Text} {message.Count} {message.Weight} {string.Join(',', message.List)}"), cancellationToken);
    }
}
