using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>A tracked message is two things for the layer, and one call for whoever sends it.</summary>
public sealed class TrackedSendTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly WatchedQueue _queue;
    private readonly WatchedBackplane _backplane;
    private readonly WorkerApp _app;

    public TrackedSendTests()
    {
        _queue = new WatchedQueue(new InMemoryWorkQueue(_clock));
        _backplane = new WatchedBackplane(new InMemoryBackplane(_clock));
        _app = new WorkerApp(_backplane, _queue, _clock, Map);
    }

    [Fact]
    public async Task When_the_state_cannot_be_published_the_send_fails_as_any_does_and_asks_nothing_more_of_a_layer_that_is_away()
    {
        _backplane.FailingPublications = 1;

        var failure = await Assert.ThrowsAsync<IOException>(async () => await _app.Channels.SendAsync("payments", "1"));

        Assert.Contains("'payments'", failure.Message, StringComparison.Ordinal);
        Assert.Empty(_queue.Enqueued);
        Assert.Empty(_backplane.Published);
    }

    [Fact]
    public async Task What_was_waited_for_with_the_state_counts_for_the_message()
    {
        _backplane.OnPublish = () => _clock.Advance(TimeSpan.FromSeconds(3));

        await _app.Channels.SendAsync("payments", "1");

        Assert.Equal(TimeSpan.FromSeconds(3), Assert.Single(_queue.Enqueued).AlreadyWaited);
    }

    [Fact]
    public async Task A_message_expires_when_the_state_of_its_job_says_so_although_it_was_stored_later()
    {
        _backplane.OnPublish = () => _clock.Advance(TimeSpan.FromSeconds(3));

        var sent = await _app.Channels.SendAsync("payments", "1", new SendOptions { Expiry = TimeSpan.FromMinutes(1) });

        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        var message = Assert.Single(await lease.ReceiveAsync("payments", 1));
        Assert.NotNull(message.Envelope.ExpiresAt);
        Assert.Equal((await _app.Jobs.FindAsync(sent.Id))!.ExpiresAt, message.Envelope.ExpiresAt);
    }

    [Fact]
    public async Task A_job_that_runs_says_when_it_began_to()
    {
        await _app.Channels.SendAsync("payments", "1");
        _clock.Advance(TimeSpan.FromMinutes(1));

        await _app.StartAsync();
        await Wait.Until(() => States().Any(static state => state.GetProperty("state").GetString() == "succeeded"), "it is done");

        var running = States().Single(static state => state.GetProperty("state").GetString() == "running");
        Assert.Equal(_clock.GetUtcNow(), running.GetProperty("updatedAt").GetDateTimeOffset());

        IEnumerable<JsonElement> States() => _backplane.Published.Select(static published => JsonElement.Parse(EnvelopeFormat.Decode(published.Payload).Message.Body.Span));
    }

    [Fact]
    public async Task A_duplicate_is_told_of_also_when_the_layer_goes_away_before_its_state_is_taken_back()
    {
        var options = new SendOptions { DeduplicationId = "1" };
        await _app.Channels.SendAsync("payments", "1", options);
        _backplane.OnPublish = () => _backplane.FailingPublications = 1;

        var again = await _app.Channels.SendAsync("payments", "1", options);

        Assert.True(again.IsDuplicate);
    }

    [Fact]
    public async Task A_full_channel_is_told_of_also_when_the_layer_goes_away_before_the_state_is_taken_back()
    {
        await _app.Channels.SendAsync("full", "1");
        _backplane.OnPublish = () => _backplane.FailingPublications = 1;

        await Assert.ThrowsAsync<ChannelFullException>(async () => await _app.Channels.SendAsync("full", "2"));
    }

    [Fact]
    public async Task A_job_that_there_never_will_be_is_not_found()
    {
        var options = new SendOptions { DeduplicationId = "1" };
        var first = await _app.Channels.SendAsync("payments", "1", options);
        var again = await _app.Channels.SendAsync("payments", "1", options);
        await _app.Channels.SendAsync("full", "1");
        var before = _backplane.Published.Count;
        await Assert.ThrowsAsync<ChannelFullException>(async () => await _app.Channels.SendAsync("full", "2"));
        var refused = EnvelopeFormat.Decode(_backplane.Published.ElementAt(before).Payload).Message;
        _clock.Advance(TimeSpan.FromMilliseconds(1));

        Assert.NotNull(await _app.Jobs.FindAsync(first.Id));
        Assert.Null(await _app.Jobs.FindAsync(again.Id));
        Assert.True(MessageId.TryParse(JsonDocument.Parse(refused.Body).RootElement.GetProperty("id").GetString(), out var never));
        Assert.Null(await _app.Jobs.FindAsync(never));
    }

    private static void Map(IHost host)
    {
        host.MapChannel("payments", (string _) => Task.CompletedTask, options => (options.Track, options.Deduplicate) = (true, true));
        host.MapChannel("full", (string _) => Task.CompletedTask, options => (options.Track, options.Capacity, options.WaitForRoom) = (true, 1, TimeSpan.Zero));
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
