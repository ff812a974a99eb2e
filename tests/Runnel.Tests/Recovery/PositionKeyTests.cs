using Runnel.Groups;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Tests.Workers;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>The key of clients' positions, which all nodes share.</summary>
public sealed class PositionKeyTests : IDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly RecordedLog _log = new();
    private readonly NodeContext _node;
    private readonly HistoryStateStore _states;
    private readonly WatchedStates _watched;

    public PositionKeyTests()
    {
        _node = new NodeContext(new RunnelOptions(), _clock, _log.CreateLogger("Runnel"));
        _states = new HistoryStateStore(new InMemoryBackplane(_clock), _clock);
        _watched = new WatchedStates(_states);
    }

    [Fact]
    public async Task A_node_that_could_not_make_the_key_tries_again_and_keeps_nobody_else_from_it()
    {
        var key = new PositionKey(_watched, _node);
        _watched.OnSet = static _ => new BackplaneUnavailableException("away");
        await Assert.ThrowsAsync<BackplaneUnavailableException>(() => key.GetAsync(CancellationToken.None));

        _watched.OnSet = static _ => null;

        var others = await Wait.For(new PositionKey(_states, _node).GetAsync(CancellationToken.None), "the key of another node"); // no clock moves, so no reservation lapses
        Assert.Equal(others, await Wait.For(key.GetAsync(CancellationToken.None), "the key"));
    }

    [Fact]
    public async Task A_key_that_another_node_made_just_before_is_everybodys()
    {
        var (first, second) = (new PositionKey(_states, _node), new PositionKey(_watched, _node));
        _watched.OnReserveAsync = () => first.GetAsync(CancellationToken.None);

        var key = await Wait.For(second.GetAsync(CancellationToken.None), "the key");

        Assert.Equal(await first.GetAsync(CancellationToken.None), key);
        Assert.Equal(await new PositionKey(_states, _node).GetAsync(CancellationToken.None), key);
    }

    [Fact]
    public async Task The_key_of_an_application_that_is_in_use_does_not_end()
    {
        var made = await new PositionKey(_states, _node).GetAsync(CancellationToken.None);

        for (var year = 0; year < 3; year++)
        {
            _clock.Advance(TimeSpan.FromDays(365));
            Assert.Equal(made, await new PositionKey(_states, _node).GetAsync(CancellationToken.None));
        }
    }

    [Fact]
    public async Task A_key_that_was_read_is_good_although_its_time_could_not_be_renewed()
    {
        var made = await new PositionKey(_states, _node).GetAsync(CancellationToken.None);
        _watched.OnSet = static _ => new BackplaneUnavailableException("away");

        Assert.Equal(made, await new PositionKey(_watched, _node).GetAsync(CancellationToken.None));
        Assert.Single(_log.Of(1026));
    }

    public void Dispose() => _log.Dispose();
}
