using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
using Runnel.Specification;
using Runnel.Testing;
using Runnel.Tests.Connections;
using Runnel.Tests.DataBinding;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>Redis keeps its connections and answers nothing, and for the time of a test no connection counts as dead for that.</summary>
public sealed class RedisStandstillTests(RedisServer server) : WorkQueueOutageSpecification, IClassFixture<RedisServer>, IAsyncDisposable
{
    private static readonly Topic Articles = Topic.OfGroup("articles");
    private static readonly Retention Keep = new(10, TimeSpan.FromMinutes(1));

    private readonly RedisPlace _place = new(server);
    private readonly TcpWire _wire = TcpWire.To(server.Port);
    private RedisWorkQueue? _queue;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_publication_waits_no_longer_than_any_call(bool isKept)
    {
        var store = await OpenAsync();
        await using var backplane = new RedisBackplane(store);
        store.Options.OutageTimeout = TimeSpan.FromSeconds(0.5);
        _wire.Silence();

        var failure = await Assert.ThrowsAsync<BackplaneUnavailableException>(
            () => Wait.For(backplane.PublishAsync(Articles, "in vain"u8.ToArray(), isKept ? Keep : null).AsTask(), "the failure"));

        Assert.Contains("OutageTimeout", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_given_up_is_not_sent_again()
    {
        var store = await OpenAsync();
        await using var queue = new RedisWorkQueue(store);
        store.Options.OutageTimeout = TimeSpan.FromSeconds(0.5);
        _wire.Silence();

        var waiting = Enumerable.Range(0, 5).Select(_ => queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default).AsTask()).ToList();
        foreach (var task in waiting)
            await Assert.ThrowsAsync<RedisUnavailableException>(() => Wait.For(task, "the failure"));
        store.Options.OutageTimeout = TimeSpan.FromMinutes(10); // a busy machine may need longer to come back
        _wire.Cut();
        _wire.Heal();

        Assert.Equal(1, await Wait.For(queue.EnqueueAsync("work", [NewMessage()], EnqueueOptions.Default).AsTask(), "the next message to be stored"));
        Assert.Equal(1, _place.Probe.Number("HLEN", $"{_place.Prefix}:{{work}}:messages"));
    }

    [Fact]
    public async Task No_more_bytes_of_messages_wait_than_the_buffer_holds()
    {
        var store = await OpenAsync(options => options.OutageBufferBytes = 100_000);
        await using var queue = new RedisWorkQueue(store);
        _wire.Silence();

        var failure = await RefusalAsync<RedisUnavailableException>(() => queue.EnqueueAsync("work", [NewMessage(30_000)], EnqueueOptions.Default).AsTask());

        Assert.Contains("OutageBufferBytes", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_stored_before_takes_no_room_of_what_waits()
    {
        var store = await OpenAsync(options => options.OutageBufferBytes = 100_000);
        await using var queue = new RedisWorkQueue(store);
        for (var i = 0; i < 5; i++)
            await queue.EnqueueAsync("work", [NewMessage(30_000)], EnqueueOptions.Default);
        _wire.Silence();
        var unanswered = store.Commands.ExecuteAsync(RespWriter.Encode("PING"));
        await Wait.Until(() => !store.Commands.IsAnswering, "it does not answer");

        var waiting = queue.EnqueueAsync("work", [NewMessage(30_000)], EnqueueOptions.Default).AsTask();
        Assert.False(waiting.IsCompleted);
        _wire.Heal();

        Assert.Equal(1, await Wait.For(waiting, "the answer"));
        await Wait.For(unanswered, "the other answer");
    }

    [Fact]
    public async Task No_more_bytes_of_publications_wait_than_the_buffer_holds()
    {
        var store = await OpenAsync(options => options.OutageBufferBytes = 100_000);
        await using var backplane = new RedisBackplane(store);
        _wire.Silence();

        var failure = await RefusalAsync<BackplaneUnavailableException>(() => backplane.PublishAsync(Articles, new byte[30_000], Keep).AsTask());

        Assert.Contains("OutageBufferBytes", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_consumer_that_catches_the_failure_of_a_send_to_a_group_keeps_its_client()
    {
        RedisOptions used = null!;
        await using var app = await RunnelApp.StartInMemoryAsync(static app => app.MapConsumer<Speaker>("/room"), builder => AddRedis(builder, options => used = options));
        await using var client = await app.ConnectInMemoryAsync("/room");
        used.OutageTimeout = TimeSpan.FromSeconds(0.5); // not before, since a busy machine may need longer for the start

        _wire.Cut();
        await client.SendTextAsync("hello?");
        Assert.Equal("not now", await client.ReceiveTextAsync());
        _wire.Heal();

        await Wait.Until(
            async () =>
            {
                await client.SendTextAsync("hello");
                return await client.ReceiveTextAsync() == "sent";
            },
            "the group is reached again");
        Assert.Null(client.CloseCode);
    }

    [Fact]
    public async Task A_tracked_message_fails_when_the_call_has_waited_for_long_enough_although_two_things_are_stored_for_it()
    {
        RedisOptions used = null!;
        await using var app = await RunnelApp.StartInMemoryAsync(static _ => { }, builder => AddRedis(builder, options => used = options).AddChannel("payments", static options => options.Track = true));
        var channels = app.Services.GetRequiredService<IChannels>();

        used.OutageTimeout = TimeSpan.FromSeconds(0.5); // not before, since a busy machine may need longer for the start
        _wire.Silence();
        var failure = await Assert.ThrowsAsync<IOException>(() => Wait.For(channels.SendAsync("payments", "in vain").AsTask(), "the failure"));
        _wire.Heal();

        Assert.Contains("'payments'", failure.Message, StringComparison.Ordinal);
        Assert.Contains("OutageTimeout", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_save_of_a_bound_entity_goes_on_and_the_members_get_the_change_when_Redis_does(bool synchronously)
    {
        await using var app = await StartLibraryAsync(maxSaveDelay: TimeSpan.FromSeconds(0.1));
        await using var client = await ConnectToBooksAsync(app);

        _wire.Silence();
        await SaveAsync(app, synchronously);
        Assert.Single(app.Logs.Of(5004));
        _wire.Heal();

        Assert.Contains("Emma", await client.ReceiveTextAsync(), StringComparison.Ordinal);
        Assert.Empty(app.Logs.Of(5001));
    }

    [Fact]
    public async Task A_save_whose_change_Redis_does_not_take_in_time_succeeds_and_the_members_are_told_that_they_missed_it()
    {
        RedisOptions used = null!;
        await using var app = await StartLibraryAsync(maxSaveDelay: TimeSpan.FromMinutes(10), options => used = options);
        await using var client = await ConnectToBooksAsync(app);

        used.OutageTimeout = TimeSpan.FromSeconds(0.5);
        _wire.Silence();
        await SaveAsync(app, synchronously: false);
        used.OutageTimeout = TimeSpan.FromMinutes(10);
        _wire.Heal();

        var failure = Assert.IsType<BackplaneUnavailableException>(Assert.Single(app.Logs.Of(5001)).Exception);
        Assert.Contains("OutageTimeout", failure.Message, StringComparison.Ordinal);
        await Wait.Until(async () => await client.ReceiveTextAsync() == "missed", "the member is told"); // the change itself may come before that
    }

    protected override async ValueTask<WiredQueue> OpenAsync(TimeSpan patience)
    {
        var store = await OpenAsync();
        store.Options.OutageTimeout = patience;
        _queue = new RedisWorkQueue(store);
        return new WiredQueue(_queue, () => _wire.Silence());
    }

    public async ValueTask DisposeAsync()
    {
        _wire.Heal();
        if (_queue is not null)
            await _queue.DisposeAsync();
        await _place.DisposeAsync();
        await _wire.DisposeAsync();
    }

    private async Task<RedisStore> OpenAsync(Action<RedisOptions>? configure = null)
    {
        var store = _place.Open(
            options =>
            {
                (options.Timeout, options.OutageTimeout) = (TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(10));
                configure?.Invoke(options);
            },
            server.AddressAt(_wire.Port));
        await store.OpenAsync();
        return store;
    }

    private RunnelBuilder AddRedis(WebApplicationBuilder builder, Action<RedisOptions>? configure = null) => builder.Services.AddRunnel().UseRedis(
        $"{server.AddressAt(_wire.Port)}",
        options =>
        {
            (options.Prefix, options.Timeout, options.OutageTimeout) = (_place.Prefix, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(10));
            configure?.Invoke(options);
        });

    private Task<RunnelApp> StartLibraryAsync(TimeSpan maxSaveDelay, Action<RedisOptions>? configure = null) => RunnelApp.StartInMemoryAsync(
        static app => app.MapConsumer<Member>("/books"),
        builder =>
        {
            var database = $"{Guid.NewGuid()}";
            builder.Services.AddDbContext<LibraryContext>(options => options.UseInMemoryDatabase(database));
            AddRedis(builder, configure)
                .AddDataBinding<LibraryContext>(static binding => binding.Bind<Book>("books", static a => a.Fields(static x => x.Title)))
                .ConfigureDataBinding(options => options.MaxSaveDelay = maxSaveDelay);
        });

    private static async Task<WebSocketCommunicator> ConnectToBooksAsync(RunnelApp app)
    {
        var client = await app.ConnectInMemoryAsync("/books");
        await app.JoinedAsync("books");
        return client;
    }

    private static async Task SaveAsync(RunnelApp app, bool synchronously)
    {
        await using var scope = app.Services.CreateAsyncScope();
        var library = scope.ServiceProvider.GetRequiredService<LibraryContext>();
        library.Add(new Book { Title = "Emma" });
        Assert.Equal(1, synchronously ? await Wait.For(Task.Run(library.SaveChanges), "the save") : await Wait.For(library.SaveChangesAsync(), "the save"));
    }

    /// <summary>Sends until one is refused at once. All others wait.</summary>
    private static async Task<TException> RefusalAsync<TException>(Func<Task> send)
        where TException : Exception
    {
        List<Task> sent = [];
        await Wait.Until(
            () =>
            {
                sent.Add(send());
                return sent[^1].IsFaulted;
            },
            "one is refused");
        Assert.DoesNotContain(sent[..^1], task => task.IsCompleted);
        return await Assert.ThrowsAsync<TException>(() => sent[^1]);
    }

    private static Envelope NewMessage(int bytes = 0) => new(new Message("do", new byte[bytes])) { Id = MessageId.New(TimeProvider.System) };

    private sealed class Speaker : WebSocketConsumer
    {
        public override async Task OnReceiveAsync(string text, CancellationToken cancellationToken)
        {
            try
            {
                await Groups.SendAsync("room", text, cancellationToken);
                await SendAsync("sent", cancellationToken);
            }
            catch (BackplaneUnavailableException)
            {
                await SendAsync("not now", cancellationToken);
            }
        }
    }
    private sealed class Member : WebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("books", cancellationToken);
        }

        public override Task OnGapAsync(GroupName group, CancellationToken cancellationToken) => SendAsync("missed", cancellationToken).AsTask();
    }
}
