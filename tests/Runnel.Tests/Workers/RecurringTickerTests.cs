using System.Text;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Workers.Recurring;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>A recurring message runs once per tick, also when what the channel knows of a tick has ended.</summary>
public sealed class RecurringTickerTests : IDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly RecordedLog _log = new();
    private readonly WatchedStates _states;
    private readonly List<string> _sent = [];
    private readonly List<TimeSpan> _windows = [];
    private readonly RecurringTicker _ticker;
    private Exception? _refusal;
    private int _tries;

    public RecurringTickerTests()
    {
        _states = new WatchedStates(new HistoryStateStore(new InMemoryBackplane(_clock), _clock));
        var nightly = new RecurringMessage("nightly", new IntervalSchedule(TimeSpan.FromDays(1)), "ticks", "pay", (_, options, _) =>
        {
            _tries++;
            if (_refusal is not null)
                throw _refusal;
            _sent.Add(options.DeduplicationId!);
            _windows.Add(options.DeduplicationWindow);
            return new(new SentMessage(MessageId.New(_clock), IsDuplicate: false));
        });
        _ticker = new RecurringTicker(nightly, sender: null!, _states, _clock, _log.CreateLogger("Runnel"));
    }

    [Fact]
    public async Task A_tick_that_was_fired_and_cannot_be_remembered_is_not_fired_again_and_is_remembered_when_it_can_be()
    {
        await LookAsync();
        _states.OnSet = static _ => new BackplaneUnavailableException("The layer is away.");
        for (var half = 0; half < 2 * 26; half++)
        {
            _clock.Advance(TimeSpan.FromMinutes(30));
            await LookAsync();
        }
        Assert.Single(_sent);
        Assert.NotEmpty(_log.Of(3035));
        Assert.Empty(_log.Of(3013));

        _states.OnSet = static _ => null;
        _clock.Advance(TimeSpan.FromMinutes(1));
        await LookAsync();
        var sets = _states.Sets;
        await LookAsync();

        Assert.Equal(_clock.GetUtcNow().Date, (await FiredAsync())!.At.UtcDateTime);
        Assert.Equal(sets, _states.Sets);
    }

    [Fact]
    public async Task A_tick_is_remembered_once()
    {
        await LookAsync();
        _clock.Advance(TimeSpan.FromDays(1));
        await LookAsync();
        var sets = _states.Sets;

        await LookAsync();

        Assert.Single(_sent);
        Assert.Equal(sets, _states.Sets);
    }

    [Fact]
    public async Task A_tick_whose_message_could_not_be_sent_is_fired_when_it_can_be()
    {
        await LookAsync();
        _refusal = new IOException("The layer is away.");
        _clock.Advance(TimeSpan.FromDays(1));
        await LookAsync();

        _refusal = null;
        _clock.Advance(TimeSpan.FromMinutes(1));
        await LookAsync();

        Assert.Single(_sent);
        Assert.NotEmpty(_log.Of(3013));
    }

    [Fact]
    public async Task The_next_tick_is_fired_although_the_last_could_not_be_remembered()
    {
        await LookAsync();
        _states.OnSet = static _ => new BackplaneUnavailableException("The layer is away.");
        _clock.Advance(TimeSpan.FromDays(1));
        await LookAsync();
        _clock.Advance(TimeSpan.FromDays(1));
        await LookAsync();

        Assert.Equal(2, _sent.Distinct().Count());
    }

    [Fact]
    public async Task A_node_that_stood_still_does_not_fire_what_another_fired_meanwhile()
    {
        await LookAsync();
        var first = _clock.GetUtcNow();
        _clock.Advance(TimeSpan.FromHours(26));
        await _states.SetAsync("recurring.nightly", Encoding.UTF8.GetBytes(new RecurringTick(first.AddDays(1), 0).ToString()), TimeSpan.FromDays(1));

        await LookAsync();
        await LookAsync();
        Assert.Empty(_sent);

        _clock.Advance(TimeSpan.FromDays(1));
        await LookAsync();
        Assert.Single(_sent);
    }

    [Fact]
    public async Task A_late_node_does_not_forget_what_another_has_fired_since()
    {
        await LookAsync();
        _states.OnSet = static _ => new BackplaneUnavailableException("The layer is away.");
        _clock.Advance(TimeSpan.FromDays(1));
        await LookAsync();
        _states.OnSet = static _ => null;
        var later = new RecurringTick(_clock.GetUtcNow().AddHours(2), 0);
        await _states.SetAsync("recurring.nightly", Encoding.UTF8.GetBytes(later.ToString()), TimeSpan.FromDays(1));

        _clock.Advance(TimeSpan.FromHours(3));
        await LookAsync();

        Assert.Equal(later, await FiredAsync());
    }

    [Fact]
    public async Task A_tick_is_not_fired_again_when_the_clock_was_set_back_by_less_than_a_tick()
    {
        await LookAsync();
        _clock.Advance(TimeSpan.FromDays(1));
        await LookAsync();

        await LookAsync(_clock.GetUtcNow().AddMinutes(-1));
        await LookAsync(_clock.GetUtcNow().AddMinutes(1));

        Assert.Single(_sent);
    }

    [Fact]
    public async Task A_node_that_notices_late_that_the_clock_was_set_back_goes_on_from_where_another_is()
    {
        await LookAsync();
        _clock.Advance(TimeSpan.FromDays(3));
        await LookAsync();
        var setBack = _clock.GetUtcNow().AddDays(-2).AddHours(1);
        var others = new RecurringTick(setBack.AddMinutes(-1), Era: 1);
        await _states.SetAsync("recurring.nightly", Encoding.UTF8.GetBytes(others.ToString()), TimeSpan.FromDays(1));

        await LookAsync(setBack);

        Assert.Equal(others, await FiredAsync());
        Assert.Empty(_log.Of(3031));
    }

    [Fact]
    public async Task The_last_tick_is_remembered_for_a_year()
    {
        await LookAsync();
        _clock.Advance(TimeSpan.FromDays(1));
        await LookAsync();

        _clock.Advance(TimeSpan.FromDays(364));

        Assert.NotNull(await FiredAsync());
    }

    [Fact]
    public async Task Copies_of_a_tick_that_other_nodes_fire_late_are_kept_off_the_channel_for_an_hour()
    {
        await LookAsync();
        _clock.Advance(TimeSpan.FromDays(1));

        await LookAsync();

        Assert.Equal(TimeSpan.FromHours(1), Assert.Single(_windows));
    }

    [Fact]
    public async Task After_each_failure_it_rests_for_twice_as_long_up_to_half_a_minute_and_after_a_success_for_a_second_again()
    {
        await LookAsync();
        _clock.Advance(TimeSpan.FromDays(1));
        _refusal = new IOException("The layer is away.");
        List<double> rests = [];
        for (var failure = 1; failure <= 7; failure++)
            await RestAsync();

        _refusal = null;
        await LookAsync();
        _refusal = new IOException("The layer is away again.");
        _clock.Advance(TimeSpan.FromDays(1));
        await RestAsync();

        Assert.Equal([1, 2, 4, 8, 16, 30, 30, 1], rests);

        async Task RestAsync()
        {
            await LookAsync();
            rests.Add(_ticker.Rest!.Value.TotalSeconds);
            _clock.Advance(_ticker.Rest.Value);
        }
    }

    [Fact]
    public async Task While_it_rests_after_a_failure_nothing_is_tried()
    {
        await LookAsync();
        _clock.Advance(TimeSpan.FromDays(1));
        _refusal = new IOException("The layer is away.");
        await LookAsync();

        _clock.Advance(TimeSpan.FromSeconds(0.5)); // another message's tick is due, say
        await LookAsync();
        var meanwhile = _tries;
        _clock.Advance(TimeSpan.FromSeconds(0.5));
        await LookAsync();

        Assert.Equal((1, 2), (meanwhile, _tries));
    }

    [Fact]
    public async Task A_tick_that_was_fired_is_remembered_although_the_application_stops()
    {
        await LookAsync();
        _clock.Advance(TimeSpan.FromDays(1));
        var goOn = new TaskCompletionSource();
        _states.OnSetAsync = () => goOn.Task;
        using var stopping = new CancellationTokenSource();

        _ticker.Look(_clock.GetUtcNow(), stopping.Token);
        await stopping.CancelAsync();
        goOn.SetResult();
        await Wait.For(_ticker.Looking, "the look");

        Assert.Equal(_clock.GetUtcNow().Date, (await FiredAsync())!.At.UtcDateTime);
    }

    public void Dispose() => _log.Dispose();

    private Task LookAsync(DateTimeOffset? now = null)
    {
        _ticker.Look(now ?? _clock.GetUtcNow(), CancellationToken.None);
        return Wait.For(_ticker.Looking, "the look");
    }

    private async Task<RecurringTick?> FiredAsync() => await _states.GetAsync("recurring.nightly") is { } fired ? RecurringTick.Parse(Encoding.UTF8.GetString(fired.Value.Span)) : null;
}
