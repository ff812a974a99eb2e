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
    private static readonly Topic Greetings = Topic.OfRunnel("greetings");

    private readonly InMemoryBackplane _memory = new(TimeProvider.System);
    private readonly GreetedBackplane _shared;

    public StateGreetingTests() => _shared = new(_memory);

    [Fact]
    public async Task A_node_that_keeps_its_states_elsewhere_than_the_others_is_told_so_and_stops()
    {
        using var first = await StartAsync("sqlite/a");
        using var same = await StartAsync("sqlite/a");

        using var other = await StartAsync("sqlite/b");
        await Wait.Until(() => other.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested, "the node stops");

        var sentence = FailureOf(other);
        Assert.StartsWith("This process keeps its states in sqlite/b, and node.", sentence, StringComparison.Ordinal);
        Assert.EndsWith(
            " keeps them in sqlite/a, so that neither would see the other's. Give all processes of the application the same layer for states (--state-layer, Runnel:StateLayer), and start this one again.",
            sentence, StringComparison.Ordinal);
        Assert.Null(FailureOf(first));
        Assert.Null(FailureOf(same));
        await Task.WhenAll(first.StopAsync(), same.StopAsync(), other.StopAsync());
    }

    [Fact]
    public async Task A_node_that_cannot_greet_the_others_starts_nevertheless()
    {
        _shared.FailingGreetings = 1;

        using var host = await StartAsync("sqlite/a");

        Assert.True(host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.IsCancellationRequested);
        await host.StopAsync();
    }

    [Fact]
    public async Task A_node_that_could_not_greet_the_others_does_so_when_the_layer_is_back()
    {
        using var first = await StartAsync("sqlite/a");
        _shared.FailingGreetings = 1;
        using var other = await StartAsync("sqlite/b");
        Assert.Null(FailureOf(other));

        _shared.Reconnect();

        Assert.NotNull(FailureOf(other));
        Assert.Null(FailureOf(first));
        await Task.WhenAll(first.StopAsync(), other.StopAsync());
    }

    [Fact]
    public async Task A_node_that_has_greeted_the_others_does_not_do_so_again_when_the_layer_is_back()
    {
        using var first = await StartAsync("sqlite/a");
        _shared.FailingGreetings = 1;
        using var other = await StartAsync("sqlite/b");

        _shared.Reconnect();
        await other.StopAsync();
        _shared.Topics.Clear();
        _shared.Reconnect();

        Assert.DoesNotContain(Greetings, _shared.Topics);
        await first.StopAsync();
    }

    [Fact]
    public async Task Nodes_that_keep_their_states_in_the_layer_for_groups_are_not_compared_with_each_other()
    {
        using var first = await StartAsync(new States("main/a"), isMain: true);

        using var second = await StartAsync(new States("main/b"), isMain: true);
        using var apart = await StartAsync("sqlite/b");

        Assert.Null(FailureOf(first));
        Assert.Null(FailureOf(second));
        Assert.NotNull(FailureOf(apart));
        await Task.WhenAll(first.StopAsync(), second.StopAsync(), apart.StopAsync());
    }

    [Fact]
    public async Task A_node_whose_states_were_lost_with_their_identity_does_not_turn_new_ones_away()
    {
        var states = new States("redis/before");
        using var first = await StartAsync(states);
        states.Identity = "redis/after";

        using var second = await StartAsync(states);

        Assert.Null(FailureOf(second));
        await Task.WhenAll(first.StopAsync(), second.StopAsync());
    }

    [Fact]
    public async Task A_node_whose_states_were_lost_while_it_was_answered_does_not_stop()
    {
        var states = new States("redis/before");
        using var first = await StartAsync(new States("redis/after"));
        _shared.BeforeGreeting = number => states.Identity = number < 2 ? states.Identity : "redis/after";

        using var second = await StartAsync(states);

        Assert.Null(FailureOf(second));
        await Task.WhenAll(first.StopAsync(), second.StopAsync());
    }

    [Fact]
    public async Task A_node_whose_states_were_lost_twice_while_it_was_answered_asks_again()
    {
        var states = new States("redis/before");
        using var first = await StartAsync(new States("redis/after"));
        _shared.BeforeGreeting = number => states.Identity = number switch
        {
            1 => "redis/before",
            2 => "redis/between", // lost before the answer is heard, which was to what is no more
            _ => "redis/after",
        };

        using var second = await StartAsync(states);

        Assert.Null(FailureOf(second));
        await Task.WhenAll(first.StopAsync(), second.StopAsync());
    }

    [Fact]
    public async Task A_node_that_is_being_stopped_turns_nobody_away()
    {
        using var old = await StartAsync("sqlite/a");
        old.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        using var replacement = await StartAsync("sqlite/b");

        Assert.Null(FailureOf(replacement));
        await Task.WhenAll(old.StopAsync(), replacement.StopAsync());
    }

    [Fact]
    public async Task A_node_on_a_layer_that_reaches_no_other_process_greets_nobody()
    {
        using var host = await StartAsync("memory/1", BackplaneFeatures.History);

        Assert.DoesNotContain(_shared.Topics, topic => topic.Kind == TopicKind.Runnel);
        await host.StopAsync();
    }

    [Fact]
    public async Task A_node_that_has_stopped_hears_nothing_and_greets_nobody_when_the_layer_is_back()
    {
        _shared.FailingGreetings = 1; // it would try again
        var host = await StartAsync("sqlite/a");
        await host.StopAsync();
        host.Dispose();
        var said = _shared.Topics.Count(topic => topic == Greetings);

        _shared.Reconnect();

        Assert.Equal(said, _shared.Topics.Count(topic => topic == Greetings));
        Assert.Equal(0, _memory.TopicCount);
    }

    private static string? FailureOf(IHost host) => host.Services.GetRequiredService<ConfiguredLayer>().Failure;

    private Task<IHost> StartAsync(string identity, BackplaneFeatures features = BackplaneFeatures.History | BackplaneFeatures.ScaleOut) =>
        StartAsync(new States(identity), isMain: false, features);

    private async Task<IHost> StartAsync(States states, bool isMain = false, BackplaneFeatures features = BackplaneFeatures.History | BackplaneFeatures.ScaleOut)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        var runnel = builder.Services.AddRunnelCore().UseLayer("shared:");
        if (!isMain)
            runnel.UseStateLayer("states:");
        builder.Services.Configure<LayerOptions>(options =>
        {
            options.Factories["shared"] = new Factory(new WatchedBackplane(_shared) { Claimed = features }, isMain ? states : new States("main"));
            options.Factories["states"] = new Factory(new InMemoryBackplane(TimeProvider.System), states);
        });
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

    private sealed class States(string identity)
    {
        public string Identity { get; set; } = identity;
    }

    private sealed class Factory(IBackplane backplane, States states) : ILayerFactory
    {
        public Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers) => new() { Backplane = backplane, Identity = _ => Task.FromResult(states.Identity) };
    }

    private sealed class GreetedBackplane(IBackplane inner) : IBackplane
    {
        private int _greetings;

        public int FailingGreetings { get; set; }

        /// <summary>Called before a greeting or an answer goes out, with its number from then on.</summary>
        public Action<int>? BeforeGreeting
        {
            get;
            set => (field, _greetings) = (value, 0);
        }

        public ConcurrentQueue<Topic> Topics { get; } = new();

        public BackplaneFeatures Features => inner.Features;

        public BackplaneState State { get; private set; }

        public event Action<BackplaneState>? StateChanged;

        public void Reconnect()
        {
            foreach (var state in new[] { BackplaneState.Interrupted, BackplaneState.Connected })
            {
                State = state;
                StateChanged?.Invoke(state);
            }
        }

        public ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default)
        {
            Topics.Enqueue(topic);
            if (topic == Greetings)
                BeforeGreeting?.Invoke(++_greetings);
            return topic == Greetings && FailingGreetings-- > 0
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
