using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>When a node subscribes to the topic of a group, for how long, and what a join hears of it.</summary>
public sealed class GroupSubscriptionTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly InMemoryBackplane _memory;
    private readonly HeldBackplane _backplane;
    private readonly FakeNode _node;

    public GroupSubscriptionTests()
    {
        _memory = new InMemoryBackplane(_clock);
        _backplane = new HeldBackplane(_memory);
        _node = FakeConnection.CreateNode(_backplane, _clock);
    }

    private TimeSpan Linger => _node.Context.Options.GroupLinger;

    [Fact]
    public async Task Ten_thousand_members_join_and_leave_with_one_subscription()
    {
        var connections = new List<FakeConnection>();
        for (var i = 0; i < 10_000; i++)
        {
            connections.Add(await FakeConnection.ConnectAsync(_node));
            await connections[i].Groups.AddAsync("crowd");
        }
        Assert.Equal(10_000, _node.Groups.CountOf("crowd"));
        Assert.Equal(1, _backplane.Subscribed);

        // In another order than they came.
        var random = new Random(1);
        foreach (var connection in connections.OrderBy(_ => random.Next()).Take(9_990).ToList())
        {
            await connection.Groups.RemoveAsync("crowd");
            connections.Remove(connection);
        }
        await _node.Groups.SendAsync("crowd", "who is left?");

        Assert.Equal(10, _node.Groups.CountOf("crowd"));
        foreach (var connection in connections)
            await Wait.Until(() => connection.Writer.Texts is ["who is left?"], "who stayed has the message");
    }

    [Fact]
    public async Task A_connection_that_has_ended_joins_nothing_and_leaves_no_empty_group_behind()
    {
        var connection = await FakeConnection.ConnectAsync(_node);
        await connection.Session.DisconnectAsync(1000);

        await connection.Groups.AddAsync("news");

        Assert.Equal(0, _node.Groups.CountOf("news"));
        _clock.Advance(Linger);
        await Wait.Until(() => _node.Groups.Count == 0, "the group is gone");
        Assert.Equal(0, _memory.TopicCount);
    }

    [Fact]
    public async Task A_group_that_has_emptied_is_forgotten_after_its_linger_and_its_topic_with_it()
    {
        var connection = await FakeConnection.ConnectAsync(_node);
        await connection.Groups.AddAsync("news");
        await connection.Groups.RemoveAsync("news");

        _clock.Advance(Linger - TimeSpan.FromMilliseconds(1));
        Assert.Equal((1, 1), (_node.Groups.Count, _memory.TopicCount));
        _clock.Advance(TimeSpan.FromMilliseconds(1));

        await Wait.Until(() => (_node.Groups.Count, _memory.TopicCount) == (0, 0), "the group is gone");
        Assert.Equal(0, _clock.ArmedTimers);
    }

    [Fact]
    public async Task Joining_again_while_a_group_lingers_does_not_subscribe_again()
    {
        var connection = await FakeConnection.ConnectAsync(_node);
        await connection.Groups.AddAsync("news");
        await connection.Groups.RemoveAsync("news");
        _clock.Advance(Linger / 2);

        await connection.Groups.AddAsync("news");
        _clock.Advance(Linger * 3);

        Assert.Equal((1, 1), (_backplane.Subscribed, _backplane.Live));
        Assert.Equal(1, _node.Groups.CountOf("news"));
    }

    [Fact]
    public async Task A_group_lingers_from_its_last_leave_on_not_from_its_first()
    {
        var connection = await FakeConnection.ConnectAsync(_node);
        for (var i = 0; i < 4; i++)
        {
            await connection.Groups.AddAsync("news");
            await connection.Groups.RemoveAsync("news");
            _clock.Advance(Linger * 0.75);
        }

        Assert.Equal((1, 1), (_backplane.Subscribed, _backplane.Live));
        _clock.Advance(Linger * 0.25);
        await Wait.Until(() => _backplane.Live == 0, "the subscription has ended");
    }

    [Fact]
    public async Task Joins_that_race_with_the_end_of_a_group_always_end_up_subscribed()
    {
        var node = FakeConnection.CreateNode(_backplane, TimeProvider.System, configure: options => options.GroupLinger = TimeSpan.Zero);
        var lost = 0;

        await Wait.For(Task.WhenAll(Enumerable.Range(0, 4).Select(number => Task.Run(async () =>
        {
            var connection = await FakeConnection.ConnectAsync(node);
            for (var i = 0; i < 2_000; i++)
            {
                await connection.Groups.AddAsync("news");
                if (node.Groups.CountOf("news") == 0 || _backplane.Live == 0)
                    Interlocked.Increment(ref lost);
                await connection.Groups.RemoveAsync("news");
            }
            await connection.Session.DisconnectAsync(1000);
        }))), "the joins and leaves");

        Assert.Equal(0, lost);
        await Wait.Until(() => (node.Groups.Count, _backplane.Live, _memory.TopicCount) == (0, 0, 0), "nothing is left");
    }

    [Fact]
    public async Task A_subscription_that_fails_is_reported_to_who_joins_and_the_next_join_tries_anew()
    {
        var connection = await FakeConnection.ConnectAsync(_node);
        _backplane.Failures.Enqueue(new BackplaneUnavailableException("away"));

        await Assert.ThrowsAsync<BackplaneUnavailableException>(() => connection.Groups.AddAsync("news").AsTask());
        Assert.Equal(0, _node.Groups.CountOf("news"));

        await connection.Groups.AddAsync("news");
        await _node.Groups.SendAsync("news", "hello");

        await Wait.Until(() => connection.Writer.Texts is ["hello"], "the message has arrived");
        Assert.Equal(1, _backplane.Live);
    }

    [Fact]
    public async Task A_join_that_is_cancelled_costs_the_others_nothing_and_makes_nobody_hear_twice()
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _backplane.Held = held.Task;
        var (impatient, patient, late) = (await FakeConnection.ConnectAsync(_node), await FakeConnection.ConnectAsync(_node), await FakeConnection.ConnectAsync(_node));
        using var cancelled = new CancellationTokenSource();
        var first = impatient.Groups.AddAsync("news", cancelled.Token).AsTask();
        var second = patient.Groups.AddAsync("news").AsTask();

        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        var third = late.Groups.AddAsync("news").AsTask();
        held.SetResult();
        await Wait.For(Task.WhenAll(second, third), "the others to join");
        await _node.Groups.SendAsync("news", "once");
        await _node.Groups.SendAsync("news", "end");

        foreach (var member in new[] { patient, late })
        {
            await Wait.Until(() => member.Writer.Texts.Contains("end"), "the messages have arrived");
            Assert.Equal(["once", "end"], member.Writer.Texts);
        }
        Assert.Empty(impatient.Writer.Texts);
        Assert.Equal(1, _backplane.Live);
    }

    [Fact]
    public async Task A_group_whose_only_join_was_cancelled_leaves_no_subscription_behind()
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _backplane.Held = held.Task;
        var connection = await FakeConnection.ConnectAsync(_node);
        using var cancelled = new CancellationTokenSource();
        var join = connection.Groups.AddAsync("news", cancelled.Token).AsTask();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => join);
        held.SetResult();
        await Wait.Until(() => _backplane.Live == 1, "the subscription that nobody waits for is there");

        _clock.Advance(Linger);

        await Wait.Until(() => (_node.Groups.Count, _backplane.Live, _memory.TopicCount) == (0, 0, 0), "nothing is left");
    }

    [Fact]
    public async Task A_group_whose_subscription_ends_slowly_holds_up_no_other_groups_end()
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var connection = await FakeConnection.ConnectAsync(_node);
        _backplane.Held = held.Task;
        using var cancelled = new CancellationTokenSource();
        var stuck = connection.Groups.AddAsync("stuck", cancelled.Token).AsTask(); // its subscription cannot end before it began
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stuck);
        _backplane.Held = Task.CompletedTask;
        await connection.Groups.AddAsync("quick");
        await connection.Groups.RemoveAsync("quick");

        _clock.Advance(Linger);

        await Wait.Until(() => _node.Groups.Count == 0, "both are forgotten");
        await Wait.Until(() => _backplane.Live == 0, "the quick one's subscription has ended");
        held.SetResult();
        await Wait.Until(() => (_backplane.Subscribed, _backplane.Live) == (2, 0), "the slow one's has ended too");
    }

    [Fact]
    public async Task A_node_that_is_disposed_ends_its_subscriptions()
    {
        var connection = await FakeConnection.ConnectAsync(_node);
        await connection.Groups.AddAsync("news");
        await connection.Groups.AddAsync("lingers");
        await connection.Groups.RemoveAsync("lingers");

        await _node.DisposeAsync();

        Assert.Equal((0, 0, 0), (_backplane.Live, _memory.TopicCount, _clock.ArmedTimers));
    }

    [Fact]
    public async Task A_group_that_somebody_joined_while_it_lingered_lingers_again_when_it_is_left()
    {
        var connection = await FakeConnection.ConnectAsync(_node);
        await connection.Groups.AddAsync("news");
        await connection.Groups.RemoveAsync("news");
        await connection.Groups.AddAsync("news");
        _clock.Advance(Linger);
        Assert.Equal(1, _node.Groups.Count);

        await connection.Groups.RemoveAsync("news");
        _clock.Advance(Linger);

        await Wait.Until(() => (_node.Groups.Count, _backplane.Live) == (0, 0), "the group is gone");
    }

    [Fact]
    public async Task All_groups_of_a_connection_that_ends_linger_and_go()
    {
        var connection = await FakeConnection.ConnectAsync(_node);
        await connection.Groups.AddAsync("news");
        await connection.Groups.AddAsync("sport");
        await connection.Session.DisconnectAsync(1000);

        _clock.Advance(Linger);

        await Wait.Until(() => (_node.Groups.Count, _backplane.Live) == (0, 0), "both groups are gone");
    }

    [Fact]
    public async Task A_group_whose_history_could_not_begin_leaves_no_subscription_behind()
    {
        await using var node = FakeConnection.CreateNode(_backplane, _clock, configure: options => options.KeepHistory("news", new Retention(10, TimeSpan.FromMinutes(1))));
        var connection = await FakeConnection.ConnectAsync(node);
        _backplane.PublishFailure = new BackplaneUnavailableException("away");

        await Assert.ThrowsAsync<BackplaneUnavailableException>(() => connection.Groups.AddAsync("news").AsTask());

        Assert.Equal((1, 0), (_backplane.Subscribed, _backplane.Live));
    }
}
