using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Toy;

/// <summary>What an application declares and its layer lacks ends the start, with a sentence that names the way out.</summary>
public sealed class ToyUseTests
{
    [Fact]
    public Task A_channel_whose_jobs_are_to_be_cancelled_needs_a_queue_that_takes_messages_back() => RefusedAsync(
        channel => channel.Cancellable = true,
        "Channel 'payments' is declared Cancellable, but the layer for work lacks WorkQueueFeatures.Cancel. "
        + "Pick another layer for work, such as sqlite: or redis: (--queue-layer, Runnel:QueueLayer), or take Cancellable out of the channel's options.");

    [Fact]
    public Task A_channel_that_deduplicates_needs_a_queue_or_a_state_store_that_knows_the_ids() => RefusedAsync(
        channel => channel.Deduplicate = true, "Channel 'payments' is declared Deduplicate, but the layer for work lacks WorkQueueFeatures.Deduplicate. Pick another layer for work");

    [Fact]
    public Task A_channel_that_tracks_its_jobs_needs_a_layer_that_remembers() => RefusedAsync(
        channel => channel.Track = true,
        "Channel 'payments' is declared Track, but no layer remembers anything. Pick another layer for states, such as sqlite: or redis: (--state-layer, Runnel:StateLayer), "
        + "or take Track out of the channel's options.");

    [Fact]
    public Task An_ordered_channel_needs_a_queue_that_lets_a_message_with_a_key_rest_for_as_long_as_its_retries() => RefusedAsync(
        channel => (channel.Ordered, channel.Retry.MaxDelay, channel.Retry.MaxAttempts) = (true, TimeSpan.FromDays(20), 100),
        "Channel 'payments' is declared Ordered, but a retry may rest for ");

    [Fact]
    public Task A_recurring_message_needs_a_layer_that_remembers() => RefusedAsync(
        _ => { }, "The recurring message 'nightly' is declared, but the layer for work lacks WorkQueueFeatures.Deduplicate. Its last tick has to be remembered",
        services => services.AddRunnelCore().AddRecurring("nightly", "30 2 * * *", "payments", "tick"));

    [Fact]
    public async Task An_application_that_declares_nothing_more_than_the_layer_can_do_starts_and_works()
    {
        var handled = new TaskCompletionSource<string>();
        using var host = Host(channel => channel.Ordered = true, handle: handled.SetResult);
        await host.StartAsync();

        await host.Services.GetRequiredService<IChannels>().SendAsync("payments", "1", new SendOptions { Key = "k" });

        Assert.Equal("1", await Specification.Wait.For(handled.Task, "the message"));
        await host.StopAsync();
    }

    private static async Task RefusedAsync(Action<ChannelOptions> declare, string sentence, Action<IServiceCollection>? services = null)
    {
        using var host = Host(declare, services);

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync());

        Assert.StartsWith(sentence, refusal.Message, StringComparison.Ordinal);
    }

    private static IHost Host(Action<ChannelOptions> declare, Action<IServiceCollection>? services = null, Action<string>? handle = null)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddRunnelCore().UseLayer("toy:").AddRunnelWorkers();
        services?.Invoke(builder.Services);
        var host = builder.Build();
        host.MapChannel("payments", (string text) => handle?.Invoke(text), declare);
        return host;
    }
}
