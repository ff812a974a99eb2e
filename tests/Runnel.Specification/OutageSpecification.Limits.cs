using System.Collections.Concurrent;
using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

public abstract partial class OutageSpecification
{
    private static readonly TimeSpan Long = Wait.Limit;

    [Fact]
    public async Task What_is_published_while_the_broker_is_away_waits_and_goes_out_in_order()
    {
        var (one, two) = (await OpenedAsync(), await OpenedAsync());
        await using var listener = await TopicListener.OnAsync(two.Backplane, Articles);
        one.Cut();
        await StateAsync(one, BackplaneState.Interrupted);

        var published = Enumerable.Range(0, 100).Select(i => PublishAsync(one, $"{i}", i % 2 == 0 ? null : KeepOn(one))).ToArray();
        Assert.DoesNotContain(published, task => task.IsCompleted);
        one.Heal();

        await Wait.For(Task.WhenAll(published), "all to be published");
        for (var i = 0; i < 100; i++)
            Assert.Equal($"{i}", await listener.NextAsync());
    }

    [Fact]
    public async Task No_more_than_so_many_wait_for_the_broker()
    {
        var node = await OpenedAsync(buffer: 20, Long);
        node.Cut();
        await StateAsync(node, BackplaneState.Interrupted);
        var waiting = Enumerable.Range(0, 20).Select(_ => PublishAsync(node, "waits", KeepOn(node))).ToArray();

        var tooMany = await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(PublishAsync(node, "too much", KeepOn(node)), "the refusal"));

        Assert.Contains(Articles.ToString(), tooMany.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(waiting, task => task.IsCompleted);
        node.Heal();
        await Wait.For(Task.WhenAll(waiting), "those that waited");
    }

    [Fact]
    public async Task No_more_bytes_than_so_many_wait_for_the_broker_and_what_has_gone_out_makes_room()
    {
        var node = await OpenedAsync(buffer: 10_000, Long, bytes: 50_000);
        var large = new string('x', 20_000);
        node.Cut();
        await StateAsync(node, BackplaneState.Interrupted);
        var waiting = new[] { PublishAsync(node, large, KeepOn(node)), PublishAsync(node, large, KeepOn(node)) };

        await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(PublishAsync(node, large, KeepOn(node)), "the refusal"));

        var small = PublishAsync(node, "small", KeepOn(node));
        Assert.DoesNotContain(waiting, task => task.IsCompleted);
        node.Heal();
        await Wait.For(Task.WhenAll([.. waiting, small]), "those that waited");
        await StateAsync(node, BackplaneState.Connected); // it is told behind what has gone out; and what is published before the next cut is noticed is lost
        node.Cut();
        await StateAsync(node, BackplaneState.Interrupted);
        waiting = [PublishAsync(node, large, KeepOn(node)), PublishAsync(node, large, KeepOn(node))];
        Assert.DoesNotContain(waiting, task => task.IsCompleted);
        node.Heal();
        await Wait.For(Task.WhenAll(waiting), "those that waited the second time");
    }

    [Fact]
    public async Task Nothing_waits_for_the_broker_for_longer_than_it_is_to()
    {
        var patience = TimeSpan.FromSeconds(0.5);
        var node = await OpenedAsync(buffer: 100, patience);
        node.Cut();
        await StateAsync(node, BackplaneState.Interrupted);
        var began = TimeProvider.System.GetTimestamp();

        List<Func<Task>> attempts =
        [
            () => PublishAsync(node, "in vain", KeepOn(node)),
            () => PublishAsync(node, "in vain", retention: null),
            () => node.Backplane.SubscribeAsync(Articles, _ => { }).AsTask(),
        ];
        if (KeepsHistory(node))
            attempts.Add(() => node.Backplane.ReadHistoryAsync(Articles, Position.None, 10).AsTask());
        foreach (var attempt in attempts)
        {
            var failure = await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(attempt(), "the failure"));
            Assert.Contains(Articles.ToString(), failure.Message, StringComparison.Ordinal);
        }

        Assert.True(TimeProvider.System.GetElapsedTime(began) >= attempts.Count * patience, "They did not wait.");
    }

    [Fact]
    public async Task What_has_waited_in_vain_makes_room_for_others()
    {
        var patience = TimeSpan.FromSeconds(0.5);
        var node = await OpenedAsync(buffer: 2, patience, bytes: 50_000);
        var large = new string('x', 20_000);
        node.Cut();
        await StateAsync(node, BackplaneState.Interrupted);

        for (var time = 0; time < 3; time++)
        {
            var began = TimeProvider.System.GetTimestamp();
            var waiting = new[] { PublishAsync(node, large, KeepOn(node)), PublishAsync(node, large, KeepOn(node)) };
            foreach (var one in waiting)
                await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(one, "the failure"));
            Assert.True(TimeProvider.System.GetElapsedTime(began) >= patience, "There was no room for them.");
        }
    }

    [Fact]
    public async Task Who_waits_for_the_broker_may_stop_waiting()
    {
        var node = await OpenedAsync();
        using var stop = new CancellationTokenSource();
        node.Cut();
        await StateAsync(node, BackplaneState.Interrupted);

        var publishing = node.Backplane.PublishAsync(Articles, "x"u8.ToArray(), KeepOn(node), stop.Token).AsTask();
        var subscribing = node.Backplane.SubscribeAsync(Articles, _ => { }, stop.Token).AsTask();
        Task reading = KeepsHistory(node) ? node.Backplane.ReadHistoryAsync(Articles, Position.None, 10, stop.Token).AsTask() : subscribing;
        await stop.CancelAsync();

        foreach (var task in new[] { publishing, subscribing, reading })
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Wait.For(task, "the end of the wait"));
    }

    [Fact]
    public async Task The_state_tells_of_an_outage_and_of_its_end_once_each()
    {
        var (one, two) = (await OpenedAsync(), await OpenedAsync());
        await using var listener = await TopicListener.OnAsync(one.Backplane, Articles);
        var told = new ConcurrentQueue<BackplaneState>();
        one.Backplane.StateChanged += told.Enqueue;
        Assert.Equal((BackplaneState.Connected, BackplaneState.Connected), (one.Backplane.State, two.Backplane.State));

        one.Cut();
        await Wait.Until(() => !told.IsEmpty, "the outage was told");
        Assert.Equal((BackplaneState.Interrupted, BackplaneState.Connected), (one.Backplane.State, two.Backplane.State));
        one.Heal();
        await Wait.Until(() => told.Count == 2, "its end was told");

        Assert.Equal(BackplaneState.Connected, one.Backplane.State);
        Assert.Equal([BackplaneState.Interrupted, BackplaneState.Connected], told);
    }

    [Fact]
    public async Task A_handler_of_the_state_that_throws_does_no_harm()
    {
        var node = await OpenedAsync();
        await using var listener = await TopicListener.OnAsync(node.Backplane, Articles);
        node.Backplane.StateChanged += _ => throw new InvalidOperationException("a fault of the application");

        node.Cut();
        await StateAsync(node, BackplaneState.Interrupted);
        node.Heal();
        await StateAsync(node, BackplaneState.Connected);
        await PublishAsync(node, "hello", KeepOn(node));

        Assert.Equal("hello", await listener.NextAsync());
    }

    [Fact]
    public async Task A_backplane_ends_while_the_broker_is_away()
    {
        var node = await OpenedAsync();
        var listener = await TopicListener.OnAsync(node.Backplane, Articles);
        node.Silence();
        var publishing = PublishAsync(node, "in vain", KeepOn(node));

        await Wait.For(listener.DisposeAsync().AsTask(), "the subscription to end");
        await Wait.For(((IAsyncDisposable)node.Backplane).DisposeAsync().AsTask(), "the backplane to end");

        node.Heal();
        await Record.ExceptionAsync(() => Wait.For(publishing, "the publication to end, one way or the other"));
    }

    private static Task<Position> PublishAsync(WiredBackplane node, string text, Retention? retention) =>
        node.Backplane.PublishAsync(Articles, System.Text.Encoding.UTF8.GetBytes(text), retention).AsTask();
}
