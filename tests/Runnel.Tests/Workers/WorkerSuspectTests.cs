using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What messages that a worker has died with keep waiting in the next one, and what they do not.</summary>
public sealed class WorkerSuspectTests : IAsyncDisposable
{
    private const int Concurrency = 3;

    private readonly ManualTimeProvider _clock = new();
    private readonly InMemoryWorkQueue _queue;
    private readonly WatchedQueue _watched;
    private readonly Inbox<string> _began = new();
    private readonly Inbox<int> _givenBack = new();
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WorkerApp _app;

    public WorkerSuspectTests()
    {
        _queue = new(_clock);
        _watched = new(_queue);
        _watched.OnAbandoned = () =>
        {
            _givenBack.Add(1);
            return Task.CompletedTask;
        };
        _app = new WorkerApp(new InMemoryBackplane(_clock), _watched, _clock, Map);
    }

    public async ValueTask DisposeAsync()
    {
        _goOn.TrySetResult();
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task While_one_runs_alone_no_other_channel_begins_one()
    {
        await EnqueueAsync("payments", 1);
        await EnqueueAsync("refunds", 1);

        await _app.StartAsync();
        var first = await _began.NextAsync();
        await _givenBack.NextAsync();
        Assert.Equal(0, _began.Count);
        _goOn.SetResult();

        Assert.NotEqual(first, await _began.NextAsync());
    }

    [Fact]
    public async Task The_next_one_begins_when_the_layer_has_settled_the_first()
    {
        var settled = new TaskCompletionSource();
        _watched.Completing = settled.Task;
        _goOn.SetResult();
        await EnqueueAsync("payments", 1, 1);

        await _app.StartAsync();
        await _began.NextAsync();
        for (var look = 0; look < 100; look++)
            await _queue.ListChannelsAsync(); // so that the next one has the time to begin
        var begun = _began.Count;
        settled.SetResult();

        Assert.Equal("payments", await _began.NextAsync());
        Assert.Equal(0, begun);
    }

    [Fact]
    public async Task A_worker_that_has_to_run_them_alone_asks_for_one_at_a_time()
    {
        _goOn.SetResult();
        await EnqueueAsync("payments", 1, 1, 1);

        await _app.StartAsync();
        await _began.NextAsync(3);
        await Wait.Until(() => _watched.Asked.Count >= 5, "it asks for more"); // once for the other channel

        Assert.Equal([1, 1, 1, Concurrency, Concurrency], _watched.Asked.Order());
    }

    [Fact]
    public async Task One_that_is_put_aside_anyway_keeps_nothing_waiting()
    {
        _goOn.SetResult();
        await EnqueueAsync("payments", new WorkerOptions().CrashLimit, 0, 0);

        await _app.StartAsync();
        await _began.NextAsync(2);
        await Wait.Until(async () => (await _app.Operator.ListDeadLettersAsync("payments", DeadLetterFilter.All, 10)).Count == 1, "it is put aside");

        Assert.Equal(0, _givenBack.Count);
    }

    private void Map(IHost host)
    {
        foreach (var channel in new[] { "payments", "refunds" })
        {
            host.MapChannel(
                channel,
                async (Pay _) =>
                {
                    _began.Add(channel);
                    await _goOn.Task;
                },
                options => options.Concurrency = Concurrency);
        }
    }

    // As if workers had died with each of the messages so often.
    private async Task EnqueueAsync(ChannelName channel, params int[] crashes) => await _queue.EnqueueAsync(
        channel,
        [.. crashes.Select(count => new Envelope(new Message("pay", """{"order":"1"}"""u8.ToArray())) { Id = MessageId.New(_clock), Channel = channel, SentAt = _clock.GetUtcNow(), Crashes = count })],
        EnqueueOptions.Default);
}
