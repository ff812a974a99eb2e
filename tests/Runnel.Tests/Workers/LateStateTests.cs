using System.Text.Json;
using Microsoft.Extensions.Logging;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Runnel.Tests.Recording;
using Runnel.Workers;
using Runnel.Workers.Jobs;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>Final states that could not be published in time.</summary>
[Collection(nameof(Metered))]
public sealed class LateStateTests : IDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly RecordedLog _log = new();
    private readonly LoggerFactory _loggers;
    private readonly WatchedStates _states;
    private readonly JobStore _store;
    private readonly LateStateService _service;

    public LateStateTests()
    {
        _states = new WatchedStates(new HistoryStateStore(new InMemoryBackplane(_clock), _clock));
        _store = new JobStore(_states);
        _loggers = new LoggerFactory([_log]);
        _service = new LateStateService(_store, _clock, new Logger<LateStateService>(_loggers));
    }

    [Fact]
    public async Task One_that_can_never_be_published_is_told_and_counted_and_is_not_in_the_way_of_the_others()
    {
        using var counts = new Counts();
        var (refused, other) = (Add(), Add());
        _states.OnSet = name => IsOf(name, refused) ? new ArgumentException("It is too large.") : null;

        await _service.StartAsync(default);
        await IsPublishedAsync(other);
        await _service.StopAsync(default);

        Assert.IsType<ArgumentException>(Assert.Single(_log.Of(3034)).Exception);
        Assert.Equal(1, counts[RunnelTelemetry.JobStatesLost]);
    }

    [Fact]
    public async Task One_that_the_layer_does_not_take_goes_behind_the_others()
    {
        var (stuck, other) = (Add(), Add());
        _states.OnSet = name => IsOf(name, stuck) ? new IOException("The layer is away.") : null;

        await _service.StartAsync(default);
        await IsPublishedAsync(other, advance: true);
        _states.OnSet = static _ => null;
        await IsPublishedAsync(stuck, advance: true);
        await _service.StopAsync(default);

        Assert.Empty(_log.Of(3034));
    }

    [Fact]
    public async Task One_that_would_not_be_kept_any_more_is_given_up_told_and_counted()
    {
        using var counts = new Counts();
        _states.OnSet = static _ => new BackplaneUnavailableException("The layer is away.");
        Assert.True(_store.Late.TryAdd(Of("done") with { Retention = TimeSpan.FromMinutes(1) }, out _));

        await _service.StartAsync(default);
        await _clock.MoveUntil(TimeSpan.FromSeconds(5), () => _log.Of(3034).Any(), "it is given up");
        await _service.StopAsync(default);

        Assert.Equal(1, counts[RunnelTelemetry.JobStatesLost]);
    }

    [Fact]
    public async Task One_that_finds_no_room_to_wait_is_told_and_counted()
    {
        using var counts = new Counts();
        _states.OnSet = static _ => new BackplaneUnavailableException("The layer is away.");
        var lost = Of("done");
        for (var i = 0; i < 10_000; i++)
            _store.Late.TryAdd(lost, out _);
        using var progress = new JobProgress(lost.Id, lost.Status, lost.Retention, receiver: null!, _store, _clock, new Logger<JobProgress>(_loggers));

        await progress.EndAsync(static status => status, TimeSpan.Zero, static () => true, stopping: new CancellationToken(canceled: true));
        progress.PublishLater();

        Assert.Single(_log.Of(3034));
        Assert.Equal(1, counts[RunnelTelemetry.JobStatesLost]);
    }

    [Fact]
    public async Task Those_that_wait_when_the_application_stops_are_tried_once_more()
    {
        using var counts = new Counts();
        _states.OnSet = static _ => new BackplaneUnavailableException("The layer is away.");
        List<MessageId> waiting = [Add(), Add(), Add()];
        await _service.StartAsync(default);
        await Wait.Until(() => _states.Sets > 0 && _clock.ArmedTimers > 0, "the first was tried");

        _states.OnSet = name => IsOf(name, waiting[1]) ? new BackplaneUnavailableException("The layer is away.") : null;
        await Wait.For(_service.StopAsync(default), "the stop");

        var arePublished = await Task.WhenAll(waiting.Select(async id => await _store.FindAsync(id, default) is not null));
        Assert.Equal([true, false, true], arePublished);
        Assert.Contains(waiting[1].ToString(), Assert.Single(_log.Of(3034)).Text, StringComparison.Ordinal);
        Assert.Equal(1, counts[RunnelTelemetry.JobStatesLost]);
    }

    [Fact]
    public async Task A_layer_that_says_nothing_holds_the_stop_up_for_a_few_seconds_only()
    {
        _states.OnSetAsync = static () => new TaskCompletionSource().Task;
        Add();
        await _service.StartAsync(default);
        await Wait.Until(() => _states.Sets == 1, "it is published");

        var stopping = _service.StopAsync(default);
        await Wait.Until(() => _states.Sets == 2 && _clock.ArmedTimers > 0, "it is tried once more");
        _clock.Advance(TimeSpan.FromSeconds(5));

        await Wait.For(stopping, "the stop");
        Assert.Single(_log.Of(3034));
    }

    [Fact]
    public void Beyond_a_bound_in_bytes_they_wait_without_their_results()
    {
        var late = new LateStates(mostBytes: 10);
        var (first, second, third) = (Of("12345678"), Of("12345678"), Of("87654321"));

        Assert.True(late.TryAdd(first, out var firstLost));
        Assert.True(late.TryAdd(second, out var secondLost));
        late.Done(first);
        Assert.True(late.TryAdd(third, out var thirdLost));

        Assert.Equal((false, true, false), (firstLost, secondLost, thirdLost));
        var waiting = late.TakeAll().Select(state => state.Status).ToList();
        Assert.Equal(["12345678", null, "87654321"], waiting.Select(status => status.Result?.GetString()));
        Assert.Equal(["The job's result was lost, because the layer was away when the job ended."], waiting.Select(status => status.Error).OfType<string>());
    }

    [Fact]
    public async Task One_that_waits_without_its_result_for_want_of_room_is_told()
    {
        const int Mebibyte = 1024 * 1024;
        _states.OnSet = static _ => new BackplaneUnavailableException("The layer is away.");
        var large = Of(new string('x', Mebibyte - 2)); // and two quotes
        for (var i = 0; i < 64; i++)
        {
            _store.Late.TryAdd(large, out var isLost);
            Assert.False(isLost);
        }
        var one = Of("1");
        using var progress = new JobProgress(one.Id, one.Status, one.Retention, receiver: null!, _store, _clock, new Logger<JobProgress>(_loggers));

        await progress.EndAsync(static status => status, TimeSpan.Zero, static () => true, stopping: new CancellationToken(canceled: true));
        progress.PublishLater();

        Assert.Equal(
            $"The end of job {one.Id} waits for the layer without the job's result, because the results that wait already take {64 * Mebibyte} bytes.", Assert.Single(_log.Of(3036)).Text);
        Assert.Empty(_log.Of(3034));
    }

    [Fact]
    public void There_is_room_again_for_as_many_as_were_published()
    {
        var late = new LateStates();
        var state = Of("1");
        for (var i = 0; i < 10_000; i++)
            Assert.True(late.TryAdd(state, out _));

        Assert.False(late.TryAdd(state, out _));
        late.Done(state);

        Assert.True(late.TryAdd(state, out _));
    }

    public void Dispose()
    {
        _service.Dispose();
        _loggers.Dispose();
        _log.Dispose();
    }

    private MessageId Add()
    {
        var state = Of("done");
        Assert.True(_store.Late.TryAdd(state, out _));
        return state.Id;
    }

    private LateState Of(string result)
    {
        var id = MessageId.New(_clock);
        return new LateState(
            id,
            new JobStatus
            {
                Id = id.ToString(),
                Channel = "payments",
                State = JobState.Succeeded,
                CreatedAt = _clock.GetUtcNow(),
                UpdatedAt = _clock.GetUtcNow(),
                Result = JsonSerializer.SerializeToElement(result),
            },
            TimeSpan.FromDays(1));
    }

    private Task IsPublishedAsync(MessageId id, bool advance = false) => Wait.Until(
        async () =>
        {
            if (advance)
                _clock.Advance(TimeSpan.FromSeconds(1));
            return await _store.FindAsync(id, default) is not null;
        },
        "the state is published");

    private static bool IsOf(string name, MessageId id) => name == JobStatus.GroupOf(id).Value;
}
