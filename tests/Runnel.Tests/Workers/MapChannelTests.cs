using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What can consume a channel, and what is refused when the application starts instead of when the first message comes.</summary>
public sealed class MapChannelTests : IAsyncDisposable
{
    private readonly Inbox<string> _seen = new();
    private readonly WorkerApps _apps = new();

    public ValueTask DisposeAsync() => _apps.DisposeAsync();

    [Fact]
    public async Task A_function_takes_message_services_job_and_token_in_any_order()
    {
        var app = await StartAsync(host =>
        {
            host.MapChannel("a", (Pay pay, Ledger ledger, JobContext job, CancellationToken token) => See(pay, ledger, job, token));
            host.MapChannel("b", (CancellationToken token, JobContext job, Ledger ledger, Pay pay) => See(pay, ledger, job, token));
            host.MapChannel("c", (Ledger ledger, IServiceProvider services, Pay pay) => See(pay, services.GetRequiredService<Ledger>() == ledger ? ledger : null, null, default));
        });

        foreach (var channel in new[] { "a", "b", "c" })
            await app.Channels.SendAsync(channel, new Pay(channel));

        Assert.Equal(["a True", "b True", "c True"], (await _seen.NextAsync(6)).Where(what => what != "ledger disposed").Order());

        Task See(Pay pay, Ledger? ledger, JobContext? job, CancellationToken token)
        {
            _seen.Add($"{pay.Order} {ledger is not null && (job is null || job.CancellationToken == token)}");
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task A_function_may_return_nothing_a_result_or_a_task_or_value_task_with_a_result_or_without()
    {
        var app = await StartAsync(host =>
        {
            host.MapChannel("task", (Pay _) => Task.CompletedTask, Tracked);
            host.MapChannel("value-task", (Pay _) => ValueTask.CompletedTask, Tracked);
            host.MapChannel("task-of", (Pay pay) => Task.FromResult(pay.Order), Tracked);
            host.MapChannel("value-task-of", (Pay pay) => ValueTask.FromResult(17), Tracked);
            host.MapChannel("method", StaticAsync, Tracked);
            host.MapChannel("void", (Pay pay) => _seen.Add(pay.Order), Tracked);
            host.MapChannel("value", (Pay pay) => pay.Order, Tracked);
            host.MapChannel("list", (Pay pay) => new List<int> { 1, 2 }, Tracked);
            host.MapChannel<CountingConsumer>("class", Tracked);
        });

        Assert.Null(await ResultAsync("task"));
        Assert.Null(await ResultAsync("value-task"));
        Assert.Equal("\"1\"", await ResultAsync("task-of"));
        Assert.Equal("17", await ResultAsync("value-task-of"));
        Assert.Equal("\"static 1\"", await ResultAsync("method"));
        Assert.Null(await ResultAsync("void"));
        Assert.Equal("1", await _seen.NextAsync());
        Assert.Equal("\"1\"", await ResultAsync("value"));
        Assert.Equal("[1,2]", await ResultAsync("list"));
        Assert.Equal("""{"order":"1","cents":1}""", await ResultAsync("class"));
        Assert.Equal("ledger disposed", await _seen.NextAsync());

        async Task<string?> ResultAsync(string channel)
        {
            var sent = await app.Channels.SendAsync(channel, new Pay("1"));
            return (await Wait.For(app.Jobs.WatchAsync(sent.Id).LastAsync().AsTask(), "the job's end")).Result?.GetRawText();
        }
    }

    [Fact]
    public async Task A_class_is_made_for_each_message_in_a_scope_of_its_own_and_disposed()
    {
        var app = await StartAsync(host => host.MapChannel<PayConsumer>("payments"));

        await app.Channels.SendAsync("payments", new Pay("1"));
        var one = await _seen.NextAsync(3);
        await app.Channels.SendAsync("payments", new Pay("2"));
        var two = await _seen.NextAsync(3);

        Assert.StartsWith("handled 1", one[0], StringComparison.Ordinal);
        Assert.Equal(["consumer disposed", "ledger disposed"], one[1..]);
        Assert.StartsWith("handled 2", two[0], StringComparison.Ordinal);
        Assert.NotEqual(one[0].Split(' ')[^1], two[0].Split(' ')[^1]); // another ledger
    }

    [Fact]
    public async Task Several_types_of_message_on_one_channel_find_their_consumers()
    {
        var app = await StartAsync(host =>
        {
            host.MapChannel("payments", (Pay pay) => See($"pay {pay.Order}"));
            host.MapChannel("payments", (Refund refund) => See($"refund {refund.Cents}"));
            host.MapChannel("payments", (Nameless nameless) => See($"nameless {nameless.Text}"));
        });

        await app.Channels.SendAsync("payments", new Pay("1"));
        await app.Channels.SendAsync("payments", new Refund("1", 5));
        await app.Channels.SendAsync("payments", new Nameless("x"));
        await app.Channels.SendManyAsync<object>("payments", [new Pay("2"), new Refund("2", 6)]);

        Assert.Equal(["nameless x", "pay 1", "pay 2", "refund 5", "refund 6"], (await _seen.NextAsync(5)).Order());
        Assert.Equal(["pay", "payments", "refund"], app.Services.GetRequiredService<ChannelRegistry>().TypesOf("payments"));
    }

    [Fact]
    public async Task A_type_is_sent_under_its_given_name_or_the_channels_and_never_under_its_own()
    {
        var app = await StartAsync(host => host.MapChannel("payments", (Message message, JobContext job) =>
            See($"{message.Type} {job.Headers.GetValueOrDefault("tenant")} {System.Text.Encoding.UTF8.GetString(message.Body.Span)}")));
        var options = new SendOptions { Headers = new Dictionary<string, string> { ["tenant"] = "t1" } };

        await app.Channels.SendAsync("payments", new Pay("1"), options);
        await app.Channels.SendAsync("payments", new Nameless("ä"), options);
        await app.Channels.SendAsync("payments", new Message("raw", "no json"u8.ToArray(), new Dictionary<string, string> { ["tenant"] = "another" }), options);
        await app.Channels.SendAsync("payments", JsonElement.Parse("[1]"), options);

        Assert.Equal(
            ["""pay t1 {"order":"1"}""", """payments t1 [1]""", """payments t1 {"text":"ä"}""", "raw t1 no json"],
            (await _seen.NextAsync(4)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_function_that_takes_any_json_gets_what_has_no_consumer_of_its_own()
    {
        var app = await StartAsync(host =>
        {
            host.MapChannel("payments", (JsonElement json) => See($"any {json.GetRawText()}"));
            host.MapChannel("payments", (Pay pay) => See($"pay {pay.Order}"));
        });

        await app.Channels.SendAsync("payments", new Pay("1"));
        await app.Channels.SendAsync("payments", new Message("other", "{\"a\":1}"u8.ToArray()));

        Assert.Equal(["any {\"a\":1}", "pay 1"], (await _seen.NextAsync(2)).Order());
    }

    [Fact]
    public void What_cannot_consume_a_channel_is_refused_when_it_is_mapped()
    {
        var host = new FakeHost(Create(_ => { }).Services);

        AssertRefused(() => host.MapChannel("c", () => Task.CompletedTask), "takes no message");
        AssertRefused(() => host.MapChannel("c", (JobContext job, CancellationToken token) => Task.CompletedTask), "takes no message");
        AssertRefused(() => host.MapChannel("c", (Ledger ledger) => Task.CompletedTask), "takes no message");
        AssertRefused(() => host.MapChannel("c", (Pay pay, Nameless notAService) => Task.CompletedTask), "Nameless");
        AssertRefused(() => host.MapChannel("c", AsyncVoid), "returns async void, whose end cannot be awaited");
        AssertRefused(() => host.MapChannel("c", (Pay pay) => AsyncEnumerable.Empty<int>()), "whose end cannot be awaited");
        AssertRefused(() => host.MapChannel("c", object (Pay pay) => Task.CompletedTask), "returns object, which may hide a task");
        Assert.Equal("handler", Assert.Throws<ArgumentException>(() => host.MapChannel("c", AsyncVoid)).ParamName);
        AssertRefused(() => host.MapChannel<Ledger>("c"), "ChannelConsumer<TMessage>");
        AssertRefused(() => host.MapChannel<AbstractConsumer>("c"), "AbstractConsumer");
        AssertRefused(() => host.MapChannel("node!1", (Pay pay) => Task.CompletedTask), "node!1");
        AssertRefused(() => host.MapChannel("no spaces", (Pay pay) => Task.CompletedTask), "no spaces");
        host.MapChannel("c", (Pay pay) => Task.CompletedTask);
        AssertRefused(() => host.MapChannel("c", (Pay pay, Ledger ledger) => Task.CompletedTask), "'pay' already");
        host.MapChannel("c", (JsonElement any) => Task.CompletedTask);
        AssertRefused(() => host.MapChannel("c", (Message any) => Task.CompletedTask), "'any' already");

        static void AssertRefused(Action map, string because) => Assert.Contains(because, Assert.ThrowsAny<ArgumentException>(map).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_consumer_that_is_mapped_after_the_start_is_refused()
    {
        var app = await StartAsync(host => host.MapChannel("payments", (Pay _) => { }));

        var refused = Assert.Throws<InvalidOperationException>(() => new FakeHost(app.Services).MapChannel("late", (Pay _) => { }));

        Assert.StartsWith("Channel 'late' was mapped after the application had started", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_has_as_many_bytes_as_its_channel_takes_and_no_more()
    {
        var app = await StartAsync(host => host.MapChannel("payments", (string _) => { }, options => options.MaxMessageBytes = 100));

        await app.Channels.SendAsync("payments", new string('x', 98)); // and two quotes
        await Assert.ThrowsAsync<MessageTooLargeException>(async () => await app.Channels.SendAsync("payments", new string('x', 99)));
    }

    [Fact]
    public async Task A_message_is_written_as_the_type_that_its_sender_names()
    {
        var app = await StartAsync(host => host.MapChannel("payments", (JsonElement message) => _seen.Add(message.GetRawText())));

        await app.Channels.SendAsync<Nameless>("payments", new Secretive("seen by all", "not sent"));

        Assert.Equal(["""{"text":"seen by all"}"""], await _seen.NextAsync(1));
    }

    [Fact]
    public async Task What_the_senders_options_leave_out_is_not_missed()
    {
        var clock = new ManualTimeProvider();
        var app = _apps.Add(new(
            new InMemoryBackplane(clock), new InMemoryWorkQueue(clock), clock, host => host.MapChannel("payments", (Refund refund) => _seen.Add($"{refund.Order} {refund.Cents}")),
            services: services => services.Configure<RunnelOptions>(options => options.Json = new(options.Json) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault })));
        await app.StartAsync();

        await app.Channels.SendAsync("payments", new Refund("1", 0));

        Assert.Equal("1 0", await _seen.NextAsync());
    }

    [Fact]
    public async Task A_class_that_fails_is_disposed_with_its_scope()
    {
        var app = await StartAsync(host => host.MapChannel<FailingConsumer>("payments"));

        await app.Channels.SendAsync("payments", new Pay("1"));

        Assert.Equal(["consumer disposed", "ledger disposed"], await _seen.NextAsync(2));
    }

    [Fact]
    public async Task What_cannot_be_sent_is_refused()
    {
        var app = await StartAsync(host => host.MapChannel("payments", (Pay _) => Task.CompletedTask, options => options.Deduplicate = true));

        await RefusedAsync("node!1", new Pay("1"), null, "Channel 'node!1'");
        await RefusedAsync("payments", new Pay("1"), new SendOptions { Delay = TimeSpan.FromSeconds(1), NotBefore = DateTimeOffset.UnixEpoch }, "'payments' has both a Delay and a NotBefore");
        await RefusedAsync("payments", new Pay("1"), new SendOptions { Delay = TimeSpan.FromSeconds(-1) }, "'payments' has a Delay of -00:00:01");
        await RefusedAsync("payments", new Pay("1"), new SendOptions { Expiry = TimeSpan.Zero }, "'payments' has an Expiry of 00:00:00");
        await RefusedAsync("payments", new Pay("1"), new SendOptions { Expiry = TimeSpan.FromSeconds(-1) }, "'payments' has an Expiry of -00:00:01");
        await RefusedAsync("payments", new Pay("1"), new SendOptions { DeduplicationId = "1", DeduplicationWindow = TimeSpan.Zero }, "'payments' has a DeduplicationWindow of 00:00:00");
        await RefusedAsync("payments", null, null, "message");
        Assert.Empty(await app.Channels.SendManyAsync("payments", Array.Empty<Pay>()));

        async Task RefusedAsync(ChannelName channel, Pay? pay, SendOptions? options, string because)
        {
            var one = await Assert.ThrowsAnyAsync<ArgumentException>(async () => await app.Channels.SendAsync(channel, pay, options));
            var many = await Assert.ThrowsAnyAsync<ArgumentException>(async () => await app.Channels.SendManyAsync(channel, [pay], options));
            Assert.All([one, many], refusal => Assert.Contains(because, refusal.Message, StringComparison.Ordinal));
        }
    }

    private static void Tracked(ChannelOptions options) => options.Track = true;

    private static Task<string> StaticAsync(Pay pay) => Task.FromResult("static " + pay.Order);

    private Task See(string what)
    {
        _seen.Add(what);
        return Task.CompletedTask;
    }

    private static async void AsyncVoid(Pay pay) => await Task.Yield();

    private async Task<WorkerApp> StartAsync(Action<IHost> map)
    {
        var app = Create(map);
        await app.StartAsync();
        return app;
    }

    private WorkerApp Create(Action<IHost> map)
    {
        var clock = new ManualTimeProvider();
        return _apps.Add(new(new InMemoryBackplane(clock), new InMemoryWorkQueue(clock), clock, map, services: services => services.AddSingleton(_seen).AddScoped<Ledger>()));
    }

    internal record Nameless(string Text);

    internal sealed record Secretive(string Text, string Secret) : Nameless(Text);

    internal sealed class Ledger(Inbox<string> seen) : IDisposable
    {
        public void Dispose() => seen.Add("ledger disposed");
    }

    internal sealed class CountingConsumer(Ledger ledger) : ChannelConsumer<Pay, Refund>
    {
        public override Task<Refund> OnMessageAsync(Pay message, JobContext job, CancellationToken cancellationToken) =>
            Task.FromResult(new Refund(message.Order, ledger is null ? 0 : 1));
    }

    internal abstract class AbstractConsumer : ChannelConsumer<Pay>;

    internal sealed class PayConsumer(Ledger ledger, Inbox<string> seen) : ChannelConsumer<Pay>, IAsyncDisposable
    {
        public override Task OnMessageAsync(Pay message, JobContext job, CancellationToken cancellationToken)
        {
            seen.Add($"handled {message.Order} {System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(ledger)}");
            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            seen.Add("consumer disposed");
            return ValueTask.CompletedTask;
        }
    }

    internal sealed class FailingConsumer(Ledger ledger, Inbox<string> seen) : ChannelConsumer<Pay>, IDisposable
    {
        public override Task OnMessageAsync(Pay message, JobContext job, CancellationToken cancellationToken) => throw new TimeoutException($"{ledger} is away.");

        public void Dispose() => seen.Add("consumer disposed");
    }

    private sealed class FakeHost(IServiceProvider services) : IHost
    {
        public IServiceProvider Services => services;

        public void Dispose()
        {
        }

        public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;
    }
}
