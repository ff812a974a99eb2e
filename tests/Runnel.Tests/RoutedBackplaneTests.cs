using Runnel.Layers;
using Xunit;

namespace Runnel.Tests;

/// <summary>Groups on one layer, states on another: to whoever uses them they are one backplane.</summary>
public sealed class RoutedBackplaneTests
{
    private readonly FakeBackplane _groups = new(BackplaneFeatures.ScaleOut), _states = new(BackplaneFeatures.History | BackplaneFeatures.ScaleOut);
    private readonly IBackplane _both;

    public RoutedBackplaneTests()
    {
        static Task<string> IdentityAsync(CancellationToken cancellationToken) => Task.FromResult("fake");
        var (main, state) = (new Layer { Backplane = _groups, Identity = IdentityAsync }, new Layer { Backplane = _states, Identity = IdentityAsync });
        _both = new LayerComposition(main, queue: null, state, TimeProvider.System).Backplane!;
    }

    [Fact]
    public async Task States_go_to_their_own_layer_and_all_else_to_that_of_groups()
    {
        foreach (var topic in (Topic[])[Topic.OfGroup("all"), Topic.OfNode("n1"), Topic.OfRunnel("cancel"), Topic.OfState("job.1")])
        {
            await _both.PublishAsync(topic, default, retention: null);
            await _both.SubscribeAsync(topic, static _ => { });
            await _both.ReadHistoryAsync(topic, Position.None, 1);
        }

        Assert.Equal(Enumerable.Repeat((string[])["group:all", "node:n1", "runnel:cancel"], 3).SelectMany(static topics => topics).Order(), _groups.Asked.Order());
        Assert.Equal(Enumerable.Repeat("state:job.1", 3), _states.Asked);
        Assert.Equal(BackplaneFeatures.ScaleOut, _both.Features);
    }

    [Fact]
    public void They_are_interrupted_while_one_of_them_is_and_tell_each_change_once()
    {
        List<BackplaneState> told = [];
        _both.StateChanged += told.Add;

        _groups.Become(BackplaneState.Interrupted);
        _states.Become(BackplaneState.Interrupted);
        _groups.Become(BackplaneState.Connected);
        Assert.Equal(BackplaneState.Interrupted, _both.State);
        _states.Become(BackplaneState.Connected);
        Assert.Equal(BackplaneState.Connected, _both.State);
        _states.Become(BackplaneState.Interrupted);

        Assert.Equal([BackplaneState.Interrupted, BackplaneState.Connected, BackplaneState.Interrupted], told);
    }

    private sealed class FakeBackplane(BackplaneFeatures features) : IBackplane
    {
        public event Action<BackplaneState>? StateChanged;

        public List<string> Asked { get; } = [];

        public BackplaneFeatures Features => features;

        public BackplaneState State { get; private set; } = BackplaneState.Connected;

        public void Become(BackplaneState state) => StateChanged?.Invoke(State = state);

        public ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default)
        {
            Asked.Add(topic.Value);
            return new(Position.None);
        }

        public ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default)
        {
            Asked.Add(topic.Value);
            return new((ITopicSubscription)null!);
        }

        public ValueTask<TopicHistory> ReadHistoryAsync(Topic topic, Position after, int limit, CancellationToken cancellationToken = default)
        {
            Asked.Add(topic.Value);
            return new(new TopicHistory([], Position.None, IsComplete: true, HasMore: false));
        }
    }
}
