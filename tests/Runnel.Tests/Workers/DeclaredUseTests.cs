using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Runnel.Workers.Channels;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What a channel does not declare is refused, even by a layer that could do it, so that no application finds out in production.</summary>
public sealed class DeclaredUseTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly InMemoryWorkQueue _queue;
    private readonly WorkerApp _app;

    public DeclaredUseTests()
    {
        _queue = new InMemoryWorkQueue(_clock);
        _app = new WorkerApp(new InMemoryBackplane(_clock), _queue, _clock, host => host.MapChannel("payments", (Pay _) => { }), services: services => services.AddRunnelCore()
            .AddChannel("mail", channel => (channel.Ordered, channel.Deduplicate, channel.Cancellable, channel.Capacity, channel.WaitForRoom) = (true, true, true, 2, TimeSpan.Zero)));
    }

    [Theory]
    [InlineData("payments")]
    [InlineData("nobody-declared-it")]
    public async Task A_message_that_uses_what_its_channel_does_not_declare_is_refused_with_the_way_out(string channel)
    {
        var (keyed, once) = (new SendOptions { Key = "order-7" }, new SendOptions { DeduplicationId = "order-7" });

        var order = await Assert.ThrowsAsync<InvalidOperationException>(async () => await _app.Channels.SendAsync(channel, new Pay("1"), keyed));
        var many = await Assert.ThrowsAsync<InvalidOperationException>(async () => await _app.Channels.SendManyAsync(channel, [new Pay("1")], keyed));
        var copy = await Assert.ThrowsAsync<InvalidOperationException>(async () => await _app.Channels.SendAsync(channel, new Pay("1"), once));
        var copies = await Assert.ThrowsAsync<InvalidOperationException>(async () => await _app.Channels.SendManyAsync(channel, [new Pay("1")], once));

        Assert.Equal(
            $"Channel '{channel}' is not declared Ordered, but a message to it has a Key. Set Ordered in the channel's options, where this application maps it (MapChannel) or adds it (AddChannel).",
            order.Message);
        Assert.StartsWith($"Channel '{channel}' is not declared Deduplicate, but a message to it has a DeduplicationId.", copy.Message, StringComparison.Ordinal);
        Assert.Equal((order.Message, copy.Message), (many.Message, copies.Message));
        Assert.Equal(0, _queue.ChannelCount);
    }

    [Fact]
    public async Task What_is_refused_fails_the_task_and_not_the_call()
    {
        var refused = _app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Key = "order-7" }).AsTask();

        await Assert.ThrowsAsync<InvalidOperationException>(() => refused);
    }

    [Fact]
    public async Task A_job_of_a_channel_that_does_not_declare_it_is_not_cancelled()
    {
        var sent = await _app.Channels.SendAsync("payments", new Pay("1"), new SendOptions { Key = "", DeduplicationId = "", DeduplicationWindow = TimeSpan.Zero });

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(async () => await _app.Jobs.CancelAsync("payments", sent.Id));

        Assert.StartsWith($"Channel 'payments' is not declared Cancellable, but job {sent.Id} is to be cancelled.", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(1, Assert.Single(await _app.Operator.ListChannelsAsync()).Ready);
    }

    [Fact]
    public async Task A_client_that_may_not_cancel_because_of_the_channel_is_told_so()
    {
        var goOn = new TaskCompletionSource();
        await using var app = await JobsApp.StartAsync((_, _) => goOn.Task, channel: options => options.Cancellable = false);
        var id = await app.SendAsync();

        using var answer = await app.Http.DeleteAsync(new Uri($"/jobs/{id}", UriKind.Relative));
        goOn.SetResult(); // or the worker would wait for the job until its grace is over

        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Equal(["GET"], answer.Content.Headers.Allow);
        Assert.Contains("Jobs of channel 'payments' cannot be cancelled.", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_application_that_only_sends_declares_the_channel_with_its_uses_and_its_capacity()
    {
        var options = new SendOptions { Key = "k", DeduplicationId = "1" };

        var first = await _app.Channels.SendAsync("mail", new Pay("1"), options);
        var copy = await _app.Channels.SendAsync("mail", new Pay("1"), options);
        await _app.Channels.SendAsync("mail", new Pay("2"));
        await Assert.ThrowsAsync<ChannelFullException>(async () => await _app.Channels.SendAsync("mail", new Pay("3")));
        var wasTakenBack = await _app.Jobs.CancelAsync("mail", first.Id);

        Assert.Equal((false, true, true), (first.IsDuplicate, copy.IsDuplicate, wasTakenBack));
        Assert.Equal(["payments"], _app.Services.GetRequiredService<ChannelRegistry>().Names.Select(name => name.Value));
    }

    [Fact]
    public async Task A_channel_whose_name_is_only_known_while_the_application_runs_is_declared_then()
    {
        await _app.StartAsync();
        var registry = _app.Services.GetRequiredService<ChannelRegistry>();

        registry.Declare("tenant-7", channel => channel.Ordered = true);
        await _app.Channels.SendAsync("tenant-7", new Pay("1"), new SendOptions { Key = "k" });
        registry.Declare("tenant-7", channel => channel.Ordered = false);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _app.Channels.SendAsync("tenant-7", new Pay("1"), new SendOptions { Key = "k" }));
        var late = Assert.Throws<InvalidOperationException>(() => registry.Declare("payments", channel => channel.Ordered = true));

        Assert.Contains("'payments' cannot change any more", late.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task To_declare_a_channel_again_changes_what_is_set_and_keeps_the_rest(bool afterTheStart)
    {
        var registry = _app.Services.GetRequiredService<ChannelRegistry>();
        if (afterTheStart)
            await _app.StartAsync();

        registry.Declare("mail", channel => (channel.Capacity, channel.Retry.MaxAttempts) = (10, 3));
        var before = registry.OptionsOf("mail");
        Assert.Throws<ValidationException>(() => registry.Declare("mail", channel => (channel.Ordered, channel.Capacity) = (false, 0)));
        Assert.Throws<ValidationException>(() => registry.Declare("mail", channel => channel.Retry.MaxAttempts = 0));

        Assert.Same(before, registry.OptionsOf("mail"));
        Assert.Equal((true, 10, 3), (before.Ordered, before.Capacity, before.Retry.MaxAttempts));
    }

    [Fact]
    public async Task A_refused_option_of_a_channel_that_nobody_declared_stays_nowhere()
    {
        await _app.StartAsync();
        var registry = _app.Services.GetRequiredService<ChannelRegistry>();

        Assert.Throws<ValidationException>(() => registry.Declare("tenant-8", channel => (channel.Ordered, channel.Capacity) = (true, 0)));

        Assert.Equal((false, 100_000), (registry.OptionsOf("tenant-8").Ordered, registry.OptionsOf("tenant-8").Capacity));
        Assert.Equal(10, registry.OptionsOf("tenant-9").Retry.MaxAttempts);
    }

    [Fact]
    public void A_channel_that_keeps_an_order_asks_of_its_layer_the_longest_rest_before_the_last_attempt()
    {
        var registry = new ChannelRegistry();
        registry.Declare("mail", static channel => (channel.Ordered, channel.Retry) = (true, new RetryPolicy { MaxAttempts = 4, BaseDelay = TimeSpan.FromSeconds(1) }));

        var uses = new ChannelUses(registry).Uses;

        Assert.Equal(TimeSpan.FromSeconds(4), uses.Max(static use => use.KeyedDelay)); // rests of 1, 2 and 4 seconds at most
    }

    [Fact]
    public void A_mistake_in_a_channel_that_is_mapped_leaves_its_options_as_they_are()
    {
        var registry = new ChannelRegistry();
        registry.Declare("mail", channel => channel.Ordered = true);
        var before = registry.OptionsOf("mail");

        Assert.Throws<ValidationException>(() => registry.Add("mail", null!, channel => (channel.Ordered, channel.Capacity) = (false, 0)));

        Assert.Same(before, registry.OptionsOf("mail"));
        Assert.Empty(registry.Names);
    }

    [Fact]
    public void A_channel_that_is_added_twice_has_the_options_of_both_and_each_is_asked_once()
    {
        var services = new ServiceCollection();
        services.AddKeyedSingleton("key", "no concern of ours");
        var (first, second) = (0, 0);
        services.AddRunnelCore().AddRunnelWorkers()
            .AddChannel("mail", channel => (channel.Ordered, channel.Capacity, first) = (true, 5, first + 1))
            .AddChannel("mail", channel => (channel.Capacity, second) = (10, second + 1));
        using var provider = services.BuildServiceProvider();

        var options = provider.GetRequiredService<ChannelRegistry>().OptionsOf("mail");

        Assert.Equal((true, 10), (options.Ordered, options.Capacity));
        Assert.Equal((1, 1), (first, second));
    }

    [Fact]
    public void A_channel_is_added_with_options_that_are_possible_and_a_name_that_all_processes_share()
    {
        var runnel = new ServiceCollection().AddRunnelCore();

        Assert.Throws<ValidationException>(() => runnel.AddChannel("mail", channel => channel.Capacity = 0));
        Assert.Throws<ArgumentException>(() => runnel.AddChannel("node!1"));
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
