using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Workers;
using Xunit;

namespace Runnel.Tests;

/// <summary>Nodes of one application keep their states in one place, or are told that they do not.</summary>
public sealed class StateGreetingTests
{
    private readonly GreetedBackplane _shared = new(new InMemoryBackplane(TimeProvider.System));

    [Fact]
    public async Task A_node_that_keeps_its_states_elsewhere_than_the_others_is_told_so_and_stops()
    {
        using var first = await StartAsync("sqlite/a@web1");
        using var same = await StartAsync("sqlite/a@web1");

        using var other = await StartAsync("sqlite/b@web2");
        await Wait.Until(() => other.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested, "the node stops");

        var sentence = FailureOf(other);
        Assert.StartsWith("This process keeps its states in sqlite/b@web2, and node.", sentence, StringComparison.Ordinal);
        Assert.EndsWith(
            " keeps them in sqlite/a@web1, so that neither would see the other's. Give all processes of the application the same layer for states (--state-layer, Runnel:StateLayer), and start this one again.",
            sentence, StringComparison.Ordinal);
        Assert.Null(FailureOf(first));
        Assert.Null(FailureOf(same));
        await Task.WhenAll(first.StopAsync(), same.StopAsync(), other.StopAsync());
    }

    [Fact]
    public async Task A_node_that_cannot_greet_the_others_starts_nevertheless()
    {
        _shared.FailingGreetings = 1;

        using var host = await StartAsync("sqlite/a@web1");

        Assert.True(host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.IsCancellationRequested);
        await host.StopAsync();
    }

    [Fact]
    public async Task A_node_on_a_layer_that_reaches_no_other_process_greets_nobody()
    {
        using var host = await StartAsync("memory/1", BackplaneFeatures.History);

        Assert.DoesNotContain(_shared.Topics, topic => topic.Kind == TopicKind.Runnel);
        await host.StopAsync();
    }

    private static string? FailureOf(IHost host) => host.Services.GetRequiredService<ConfiguredLayer>().Failure;

    private async Task<IHost> StartAsync(string identity, BackplaneFeatures features = BackplaneFeatures.History | BackplaneFeatures.ScaleOut)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddRunnelCore().UseLayer("shared:");
        builder.Services.Configure<LayerOptions>(options => options.Factories["shared"] = new Factory(new WatchedBackplane(_shared) { Features = features }, identity));
        var host = builder.Build();
        try
        {
            await host.StartAsync();
        }
        catch (OperationCanceledException)
        {
            // It was told to stop while it started.
        }
        return host;
    }

    private sealed class Factory(IBackplane backplane, string identity) : ILayerFactory
    {
        public Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers) => new() { Backplane = backplane, Identity = _ => Task.FromResult(identity) };
    }

    private sealed class GreetedBackplane(IBackplane inner) : IBackplane
    {
        public int FailingGreetings { get; set; }

        public ConcurrentQueue<Topic> Topics { get; } = new();

        public BackplaneFeatures Features => inner.Features;

        public BackplaneState State => inner.State;

        public event Action<BackplaneState>? StateChanged
        {
            add => inner.StateChanged += value;
            remove => inner.StateChanged -= value;
        }

        public ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default)
        {
            Topics.Enqueue(topic);
            return topic.Kind == TopicKind.Runnel && FailingGreetings-- > 0
                ? throw new BackplaneUnavailableException("The layer is away.")
                : inner.PublishAsync(topic, payload, retention, cancellationToken);
        }

        public ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default)
        {
            Topics.Enqueue(topic);
            return inner.SubscribeAsync(topic, listener, cancellationToken);
        }

        public ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default) =>
            inner.ReadHistoryAsync(topic, after, limit, cancellationToken);
    }
}
