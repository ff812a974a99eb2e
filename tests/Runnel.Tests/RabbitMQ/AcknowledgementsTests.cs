using System.Collections.Concurrent;
using System.Reflection;
using RabbitMQ.Client;
using Runnel.RabbitMQ.Receiving;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

public sealed class AcknowledgementsTests
{
    private readonly FakeChannel _channel;
    private readonly Acknowledgements _acknowledgements;

    public AcknowledgementsTests()
    {
        var channel = DispatchProxy.Create<IChannel, FakeChannel>();
        _channel = (FakeChannel)(object)channel;
        _acknowledgements = new Acknowledgements(channel);
    }

    [Fact]
    public async Task Messages_that_are_settled_while_another_is_acknowledged_are_acknowledged_together()
    {
        Open(1, 2, 3, 4);

        await SettleWhileOneIsSentAsync(1, 2, 4, 3);

        Assert.Equal([(1, true), (4, true)], _channel.Sent);
    }

    [Fact]
    public async Task What_is_behind_an_open_message_is_acknowledged_for_itself_and_that_one_when_it_is_settled()
    {
        Open(1, 2, 3, 4, 5);

        await SettleWhileOneIsSentAsync(1, 5, 2, 4);
        await SettleAsync(3);

        Assert.Equal([(1, true), (2, true), (5, false), (4, false), (3, true)], _channel.Sent);
    }

    [Fact]
    public async Task A_message_that_should_have_come_and_has_not_is_never_acknowledged_with_others()
    {
        Open(1, 3);

        await SettleAsync(1);
        await SettleAsync(3);

        Assert.Equal([(1, true), (3, false)], _channel.Sent);
    }

    [Fact]
    public async Task No_message_is_acknowledged_before_it_is_settled_nor_twice_when_many_are_settled_at_once()
    {
        const int Count = 10_000;
        var settled = new ConcurrentDictionary<ulong, bool>();
        var early = new ConcurrentQueue<ulong>(); // a failure in the channel would be taken for one of its own
        _channel.Sending = (tag, isMultiple) =>
        {
            foreach (var each in (isMultiple ? _channel.UpTo(tag) : [tag]).Where(each => !settled.ContainsKey(each)))
                early.Enqueue(each);
        };
        Open([.. Enumerable.Range(1, Count)]);

        await Wait.For(
            Parallel.ForEachAsync(Enumerable.Range(1, Count).OrderBy(tag => tag / 20).ThenBy(tag => tag * 7 % 20), (tag, _) =>
            {
                settled[(ulong)tag] = true;
                _acknowledgements.Settle((ulong)tag);
                return ValueTask.CompletedTask;
            }),
            "all are settled");
        await Wait.For(_acknowledgements.FlushAsync(), "all are acknowledged");

        Assert.Empty(early);
        Assert.Equal(Count, _channel.Acknowledged.Count);
    }

    [Fact]
    public async Task Of_several_open_messages_the_first_says_what_can_be_acknowledged_together()
    {
        Open(1, 2, 3, 4, 5);

        await SettleWhileOneIsSentAsync(1, 4, 3);

        Assert.Equal([(1, true), (4, false), (3, false)], _channel.Sent);
    }

    [Fact]
    public async Task On_a_channel_that_closes_nothing_waits()
    {
        _channel.Sending = (_, _) => throw new InvalidOperationException("It is closed.");
        Open(1, 2);

        await SettleAsync(1);
        await SettleAsync(2);

        Assert.Empty(_channel.Sent);
    }

    private void Open(params ReadOnlySpan<int> tags)
    {
        foreach (var tag in tags)
            _acknowledgements.Open((ulong)tag);
    }

    private async Task SettleAsync(ulong tag)
    {
        _acknowledgements.Settle(tag);
        await Wait.For(_acknowledgements.FlushAsync(), "the acknowledgement");
    }

    private async Task SettleWhileOneIsSentAsync(ulong first, params ulong[] others)
    {
        _channel.Goes = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _acknowledgements.Settle(first);
        await Wait.Until(() => !_channel.Sent.IsEmpty, "the first is on its way");
        foreach (var tag in others)
            _acknowledgements.Settle(tag);
        _channel.Goes.SetResult();
        await Wait.For(_acknowledgements.FlushAsync(), "the acknowledgements");
    }

    /// <summary>Takes down what is acknowledged on it, and refuses, as the broker does, what it does not know of any more.</summary>
    public class FakeChannel : DispatchProxy
    {
        public ConcurrentQueue<(int Tag, bool IsMultiple)> Sent { get; } = [];

        public SortedSet<ulong> Acknowledged { get; } = [];

        public Action<ulong, bool> Sending { get; set; } = (_, _) => { };

        public TaskCompletionSource? Goes { get; set; }

        /// <summary>What an acknowledgement of all up to a message stands for.</summary>
        public IEnumerable<ulong> UpTo(ulong tag) => Enumerable.Range(1, (int)tag).Select(each => (ulong)each).Where(each => !Acknowledged.Contains(each));

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            Assert.Equal(nameof(IChannel.BasicAckAsync), targetMethod?.Name);
            var (tag, isMultiple) = ((ulong)args![0]!, (bool)args[1]!);
            Sending(tag, isMultiple);
            List<ulong> acknowledged = isMultiple ? [.. UpTo(tag)] : [tag];
            Assert.Contains(tag, acknowledged);
            Assert.All(acknowledged, each => Assert.True(Acknowledged.Add(each)));
            Sent.Enqueue(((int)tag, isMultiple));
            return Goes is { } goes ? new ValueTask(goes.Task) : ValueTask.CompletedTask;
        }
    }
}
