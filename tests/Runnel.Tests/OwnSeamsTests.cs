using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Toy;
using Xunit;

namespace Runnel.Tests;

/// <summary>An application that registers a seam of its own in place of the layer's.</summary>
public sealed class OwnSeamsTests
{
    private readonly InMemoryBackplane _brought = new(TimeProvider.System);

    [Fact]
    public async Task States_are_kept_on_the_backplane_that_the_application_brings()
    {
        await using var services = Services(own => own.AddSingleton<IBackplane>(_brought));

        await services.GetRequiredService<IStateStore>().SetAsync("job.1", "running"u8.ToArray(), TimeSpan.FromMinutes(1));

        Assert.NotNull(await new HistoryStateStore(_brought, TimeProvider.System).GetAsync("job.1"));
    }

    [Fact]
    public async Task A_layer_that_is_picked_for_states_comes_before_the_backplane_that_the_application_brings()
    {
        await using var services = Services(own => own.AddSingleton<IBackplane>(_brought), runnel => runnel.UseStateLayer("memory:"));

        await services.GetRequiredService<IStateStore>().SetAsync("job.1", "running"u8.ToArray(), TimeSpan.FromMinutes(1));

        Assert.Equal(0, _brought.TopicCount);
        Assert.NotNull(await services.GetRequiredService<ConfiguredLayer>().State.GetAsync("job.1"));
    }

    [Fact]
    public async Task States_are_kept_nowhere_if_the_backplane_that_the_application_brings_keeps_no_history()
    {
        await using var services = Services(own => own.AddSingleton<IBackplane>(new ToyBackplane(_brought)));

        await Assert.ThrowsAsync<NotSupportedException>(async () => await services.GetRequiredService<IStateStore>().GetAsync("job.1"));
    }

    [Fact]
    public async Task Without_history_on_the_backplane_that_the_application_brings_the_layer_for_work_remembers_if_only_that_one_can()
    {
        await using var services = Services(own => own.AddSingleton<IBackplane>(new ToyBackplane(_brought)), runnel => runnel.UseLayer("toy:").UseQueueLayer("memory:"));

        Assert.Same(services.GetRequiredService<ConfiguredLayer>().State, services.GetRequiredService<IStateStore>());
    }

    [Fact]
    public async Task A_backplane_that_never_ends_a_subscription_holds_up_the_host_for_its_shutdown_timeout_at_most()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSingleton<IBackplane>(new NeverEnding(_brought)).Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMilliseconds(1));
        builder.Services.AddRunnelCore();
        using var host = builder.Build();
        await host.StartAsync();

        var stopping = Wait.For(host.StopAsync(), "the host to give up");

        var failure = await Assert.ThrowsAnyAsync<Exception>(() => stopping);
        Assert.All(failure is AggregateException several ? several.InnerExceptions : [failure], static reason => Assert.IsAssignableFrom<OperationCanceledException>(reason)); // of one service, or of several
    }

    [Fact]
    public async Task What_the_application_declares_is_checked_against_the_queue_that_it_brings()
    {
        await using var services = Services(own => own
            .AddSingleton<IWorkQueue>(new ToyWorkQueue(new InMemoryWorkQueue(TimeProvider.System)))
            .AddSingleton<ILayerUser>(new Declaring(new LayerUse("Channel 'payments' is declared Cancellable") { WorkQueue = WorkQueueFeatures.Cancel, WayOut = "Leave it." })));

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => services.GetRequiredService<ConfiguredLayer>().OpenAsync());

        Assert.Equal("Channel 'payments' is declared Cancellable, but the layer for work lacks WorkQueueFeatures.Cancel. Leave it.", refusal.Message);
    }

    [Fact]
    public async Task What_the_application_declares_is_checked_against_the_backplane_that_it_brings()
    {
        await using var services = Services(own => own
            .AddSingleton<IBackplane>(new ToyBackplane(_brought))
            .AddSingleton<ILayerUser>(new Declaring(new LayerUse("The chat is declared") { Backplane = BackplaneFeatures.History, WayOut = "Leave it." }))
            .AddSingleton<ILayerUser>(new Declaring(new LayerUse("Channel 'payments' is declared Track") { State = true, WayOut = "Leave it." })));

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => services.GetRequiredService<ConfiguredLayer>().OpenAsync());

        Assert.Equal("The chat is declared, but the layer for groups lacks BackplaneFeatures.History. Leave it.", refusal.Message);
    }

    private static ServiceProvider Services(Action<IServiceCollection> own, Action<RunnelBuilder>? pick = null)
    {
        var services = new ServiceCollection();
        own(services);
        var runnel = services.AddRunnelCore();
        pick?.Invoke(runnel);
        return services.BuildServiceProvider();
    }

    private sealed class Declaring(LayerUse use) : ILayerUser
    {
        public IEnumerable<LayerUse> Uses => [use];
    }

    private sealed class NeverEnding(IBackplane inner) : DelegatingBackplane(inner)
    {
        public override async ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default) =>
            new Subscription(await base.SubscribeAsync(topic, listener, cancellationToken));

        private sealed class Subscription(ITopicSubscription inner) : ITopicSubscription
        {
            public Position Begins => inner.Begins;

            public ValueTask DisposeAsync() => new(new TaskCompletionSource().Task);
        }
    }
}
