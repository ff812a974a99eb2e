using Runnel.Layers;
using Runnel.RabbitMQ.Connections;
using Runnel.RabbitMQ.Topics;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

public sealed class RefusedTopicsTests : IDisposable
{
    private static readonly Topic Topic = Topic.OfGroup("news");

    private readonly ManualTimeProvider _clock = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly Queue<TaskCompletionSource<PublishOutcome>> _published = new();

    public void Dispose() => _ending.Dispose();

    [Fact]
    public async Task The_hearers_are_told_once_of_all_that_was_refused_until_then()
    {
        var refused = Create();

        refused.Refused(Topic);
        refused.Refused(Topic);
        var count = await NextAsync();
        count.SetResult(PublishOutcome.Confirmed);

        _clock.Advance(RefusedTopics.Rest * 2);
        Assert.Empty(_published);
    }

    [Fact]
    public async Task A_message_that_is_refused_while_a_count_without_it_is_on_its_way_is_counted_afterwards()
    {
        var refused = Create();
        refused.Refused(Topic);
        var without = await NextAsync();

        refused.Refused(Topic);
        without.SetResult(PublishOutcome.Confirmed);

        (await NextAsync()).SetResult(PublishOutcome.Confirmed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_count_that_is_refused_or_fails_is_told_again(bool fails)
    {
        var refused = Create();
        refused.Refused(Topic);
        var first = await NextAsync();

        if (fails)
            first.SetException(new RabbitUnavailableException("RabbitMQ is away"));
        else
            first.SetResult(PublishOutcome.Refused);

        (await NextAsync()).SetResult(PublishOutcome.Confirmed);
    }

    [Fact]
    public async Task Nothing_is_told_when_the_node_ends()
    {
        var refused = Create();
        refused.Refused(Topic);

        await _ending.CancelAsync();
        _clock.Advance(RefusedTopics.Rest * 2);

        Assert.Empty(_published);
    }

    private RefusedTopics Create() => new(
        topic =>
        {
            Assert.Equal(Topic, topic);
            var published = new TaskCompletionSource<PublishOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (_published)
                _published.Enqueue(published);
            return published.Task;
        },
        _clock,
        _ending.Token);

    // The clock moves until it is published: nobody tells when the rest begins.
    private async Task<TaskCompletionSource<PublishOutcome>> NextAsync()
    {
        TaskCompletionSource<PublishOutcome>? published = null;
        await Wait.Until(
            () =>
            {
                _clock.Advance(RefusedTopics.Rest);
                lock (_published)
                    return _published.TryDequeue(out published);
            },
            "the count is published");
        return published!;
    }
}
