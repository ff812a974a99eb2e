using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Connections;
using Runnel.Redis.Receiving;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>A user of Redis that may do nothing but what the layer needs, and that is told when it is not enough.</summary>
public sealed partial class RedisRightsTests : IAsyncLifetime
{
    private static readonly ChannelName Payments = "payments";
    private static readonly Topic Articles = Topic.OfGroup("articles");

    private RedisServer _server = null!;
    private RedisProbe _probe = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RedisServer.StartAsync(new() { Password = "sesame" });
        _probe = _server.Connect();
    }

    public async ValueTask DisposeAsync()
    {
        _probe.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("-@all")]
    [InlineData("~* &* +@all -info")]
    [InlineData("~* &* +@all -script")]
    [InlineData("~* &* +@all -client|kill")]
    [InlineData("~other:* &* +@all")]
    [InlineData("~* &other:* +@all")]
    public async Task A_user_with_too_few_rights_is_told_which_ones_are_enough(string rights)
    {
        SetUser(rights.Split(' '));
        await using var store = OpenStore();

        var failure = await Assert.ThrowsAsync<RedisUnavailableException>(() => store.OpenAsync());

        Assert.Contains($"127.0.0.1:{_server.Port}", failure.Message, StringComparison.Ordinal);
        Assert.Contains("'app'", failure.Message, StringComparison.Ordinal);
        SetUser(RightsIn(failure.Message));
        await store.OpenAsync();
    }

    [Fact]
    public async Task The_rights_that_are_told_are_enough_for_everything_and_for_nothing_else()
    {
        SetUser("-@all");
        await using var store = OpenStore();
        var failure = await Assert.ThrowsAsync<RedisUnavailableException>(() => store.OpenAsync());
        SetUser(RightsIn(failure.Message));
        _probe.Ask("ACL", "LOG", "RESET");

        await store.OpenAsync();
        await UseBackplaneAsync(store);
        await UseWorkQueueAsync(store);

        Assert.Empty((object?[])_probe.Ask("ACL", "LOG")!);
        using var app = RedisProbe.Connect(_server.Port);
        app.Ask("AUTH", "app", "secret");
        foreach (var command in (string[])["GET others", "PUBLISH others hello", "FLUSHALL", "CONFIG GET save", "KEYS *"])
            Assert.Contains("NOPERM", Assert.Throws<InvalidOperationException>(() => app.Ask(command.Split(' '))).Message, StringComparison.Ordinal);
    }

    private static async Task UseBackplaneAsync(RedisStore store)
    {
        await using var backplane = new RedisBackplane(store);
        var listener = await TopicListener.OnAsync(backplane, Articles);
        await backplane.PublishAsync(Articles, "plain"u8.ToArray(), retention: null);
        await backplane.PublishAsync(Articles, "kept"u8.ToArray(), new Retention(10, TimeSpan.FromMinutes(1)));
        Assert.Equal("plain", await listener.NextAsync());
        Assert.Equal("kept", await listener.NextAsync());
        Assert.Single((await backplane.ReadHistoryAsync(Articles, Position.None, 10)).Messages);
        backplane.Subscriber.Client.Break();
        await backplane.PublishAsync(Articles, "later"u8.ToArray(), new Retention(10, TimeSpan.FromMinutes(1)));
        Assert.Equal("later", await listener.NextAsync());
        await listener.DisposeAsync();
    }

    private static async Task UseWorkQueueAsync(RedisStore store)
    {
        await using var queue = new RedisWorkQueue(store);
        await using (var lease = await queue.OpenReceiverAsync(new ReceiverOptions()))
        {
            var waiting = lease.ReceiveAsync(Payments, 1).AsTask();
            var scheduled = Of("later") with { NotBefore = TimeProvider.System.GetUtcNow().AddHours(1) };
            await queue.EnqueueAsync(Payments, [Of("1"), scheduled], EnqueueOptions.Default);
            await queue.EnqueueAsync(Payments, [Of("2") with { Key = "k", DeduplicationId = "d", DeduplicationWindow = TimeSpan.FromMinutes(1) }, Of("3") with { Key = "k" }], EnqueueOptions.Default);
            Assert.True(await lease.CompleteAsync(Assert.Single(await Wait.For(waiting, "a message"))));
            queue.Heart.Beat();

            Assert.True(await lease.AbandonAsync(await NextAsync(lease), new AbandonOptions { Body = "again"u8.ToArray() }));
            Assert.True(await lease.DeadLetterAsync(await NextAsync(lease), DeadLetterReason.Rejected, "no"));
            Assert.Single(await queue.ListDeadLettersAsync(Payments, DeadLetterFilter.All, 10));
            Assert.Equal(1, await queue.ReplayAsync(Payments, DeadLetterFilter.All));
            Assert.True(await lease.DeadLetterAsync(await NextAsync(lease), DeadLetterReason.Rejected, "no"));
            Assert.Equal(1, await queue.PurgeAsync(Payments, DeadLetterFilter.All));
            Assert.True(await queue.CancelAsync(Payments, scheduled.Id));
            Assert.Single(await queue.ListChannelsAsync());
            _ = await NextAsync(lease); // handed back
        }
        await queue.Sweeper.SweepAllAsync(LeasesEnded.None);
        await queue.FlushAsync();
    }

    private static async Task<ReceivedMessage> NextAsync(IWorkReceiver lease) =>
        Assert.Single(await Wait.For(lease.ReceiveAsync(Payments, 1).AsTask(), "a message"));

    private static Envelope Of(string text) => new(new Message("pay", Encoding.UTF8.GetBytes(text))) { Id = MessageId.New(TimeProvider.System) };

    private RedisStore OpenStore() =>
        new(new RedisOptions { Address = $"redis://app:secret@127.0.0.1:{_server.Port}", Prefix = "shop" }, TimeProvider.System, NullLogger<RedisStore>.Instance);

    private void SetUser(params string[] rights) => _probe.Ask(["ACL", "SETUSER", "app", "reset", "on", ">secret", .. rights]);

    private static string[] RightsIn(string message) => Rights().Match(message).Groups["rights"].Value.Split(' ');

    [GeneratedRegex(@"ACL SETUSER app (?<rights>.+)\.$")]
    private static partial Regex Rights();
}
