using System.Globalization;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>For how long a worker has failed messages rest.</summary>
public sealed class WorkerRetryTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly InMemoryWorkQueue _queue;
    private readonly WorkerApp _app;

    public WorkerRetryTests()
    {
        _queue = new(_clock);
        _app = new(new InMemoryBackplane(_clock), _queue, _clock, host => host.MapChannel(
            "payments",
            Task (Pay _) => throw new TimeoutException("boom"),
            options => options.Retry = new() { MaxAttempts = 100, BaseDelay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromDays(30) }));
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Theory]
    [InlineData("pay")]
    [InlineData("unheard-of")]
    public async Task Messages_that_failed_often_rest_for_long_and_each_for_a_time_of_its_own(string type)
    {
        const int Failures = 60, Count = 10;
        await _queue.EnqueueAsync(
            "payments",
            [.. Enumerable.Range(0, Count).Select(_ => new Envelope(new Message(type, """{"order":"1"}"""u8.ToArray())) { Id = MessageId.New(_clock), Channel = "payments", SentAt = _clock.GetUtcNow(), Attempt = Failures })],
            EnqueueOptions.Default);

        await _app.StartAsync();
        await Wait.Until(() => _app.Log.Of(3003).Count() == Count, "all have failed");

        Assert.All(_app.Log.Of(3003), entry => Assert.Contains($" failed at attempt {Failures + 1} and is tried again in ", entry.Text, StringComparison.Ordinal));
        var rests = _app.Log.Of(3003).Select(entry => TimeSpan.Parse(entry.Text.Split(" tried again in ")[1].Split(". ")[0], CultureInfo.InvariantCulture)).ToList();
        Assert.All(rests, rest => Assert.InRange(rest, TimeSpan.FromMilliseconds(2), TimeSpan.FromDays(30))); // after its first failure, a millisecond at most
        Assert.Equal(Count, rests.Distinct().Count());
    }
}
