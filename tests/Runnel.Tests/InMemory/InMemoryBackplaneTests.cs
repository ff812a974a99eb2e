using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.InMemory;

public sealed class InMemoryBackplaneTests : BackplaneSpecification
{
    private readonly ManualClock _clock = new();
    private readonly InMemoryBackplane _backplane;

    public InMemoryBackplaneTests() => _backplane = new(_clock.TimeProvider);

    protected override SpecificationClock Clock => _clock;

    protected override ValueTask<IBackplane> OpenAsync() => new(_backplane);

    protected override ValueTask<int> CountKeptAsync() => new(_backplane.TopicCount);

    [Theory]
    [InlineData(2)]
    [InlineData(-2)]
    public async Task A_history_ends_with_its_age_also_when_the_clock_is_set(int days)
    {
        var clock = new ManualTimeProvider();
        var backplane = new InMemoryBackplane(clock);
        var (topic, age) = (Topic.OfGroup("articles"), TimeSpan.FromMinutes(1));
        await backplane.PublishAsync(topic, "kept"u8.ToArray(), new Retention(10, age) { PositionAge = age });

        clock.Jump(TimeSpan.FromDays(days));
        var kept = await backplane.ReadHistoryAsync(topic, Position.None, 10);
        clock.Advance(age);
        var aged = await backplane.ReadHistoryAsync(topic, Position.None, 10);

        Assert.Single(kept.Messages);
        Assert.Empty(aged.Messages);
        Assert.Equal(0, backplane.TopicCount);
    }

    [Fact]
    public async Task A_topic_is_forgotten_with_its_position_when_there_is_traffic_on_another()
    {
        var (minute, hour) = (TimeSpan.FromMinutes(1), TimeSpan.FromHours(1));
        await _backplane.PublishAsync(Topic.OfGroup("articles"), "kept"u8.ToArray(), new Retention(10, minute) { PositionAge = hour });

        await PassAsync(2 * minute);
        Assert.Equal(1, _backplane.TopicCount);
        await PassAsync(hour);

        Assert.Equal(0, _backplane.TopicCount);

        async Task PassAsync(TimeSpan time)
        {
            await _clock.AdvanceAsync(time);
            await _backplane.PublishAsync(Topic.OfGroup("others"), default, retention: null);
        }
    }

    [Fact]
    public async Task A_history_ends_no_later_on_a_machine_that_has_been_up_for_years()
    {
        var clock = new ManualTimeProvider();
        clock.Advance(TimeSpan.FromDays(100_000));
        var backplane = new InMemoryBackplane(clock);
        var topic = Topic.OfGroup("articles");
        await backplane.PublishAsync(topic, "kept"u8.ToArray(), new Retention(10, TimeSpan.FromTicks(3)));

        clock.Advance(TimeSpan.FromTicks(3));

        Assert.Empty((await backplane.ReadHistoryAsync(topic, Position.None, 10)).Messages);
    }
}
