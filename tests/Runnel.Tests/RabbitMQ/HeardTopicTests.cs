using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Runnel.RabbitMQ.Topics;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>By the numbers of the messages a node notices which of them it has missed.</summary>
public sealed class HeardTopicTests
{
    private const long Publisher = 7;
    private static readonly Topic Articles = Topic.OfGroup("articles");

    private readonly List<string> _heard = [];
    private readonly HeardTopic _topic;

    public HeardTopicTests()
    {
        var flow = new TopicFlow(Articles, readHistory: null, TimeProvider.System, NullLogger.Instance);
        flow.TryAdd(new Listener(_heard), static () => ValueTask.CompletedTask);
        _topic = new HeardTopic(flow, Articles.Value);
        _topic.Begin();
    }

    [Fact]
    public void One_message_that_is_missing_is_told_before_the_next_one()
    {
        Take(5);
        Take(6);
        Take(8);

        Assert.Equal(["5", "6", "gap", "8"], _heard);
    }

    [Fact]
    public void One_message_that_is_missing_is_told_though_only_the_count_follows_and_once()
    {
        Take(1);
        TakeCount(1);
        TakeCount(2);
        TakeCount(2);
        Take(3);

        Assert.Equal(["1", "gap", "3"], _heard);
    }

    [Fact]
    public void What_is_missed_while_the_node_is_cut_off_is_told_once()
    {
        Take(1);
        _topic.Change(isThere: false);
        _topic.Change(isThere: true);
        Take(9);
        Take(10);

        Assert.Equal(["1", "gap", "9", "10"], _heard);
    }

    [Fact]
    public void A_publisher_of_very_many_topics_that_begins_to_number_anew_has_another_name()
    {
        var numbers = new TopicNumbers();
        var before = numbers.Publisher;
        var numbered = new List<long> { numbers.Next(Articles), numbers.Next(Articles) };
        for (var i = 0; numbers.Last(Articles) > 0; i++)
            numbers.Next(Topic.OfGroup($"group-{i}"));

        numbered.Add(numbers.Next(Articles));

        Assert.Equal([1, 2, 1], numbered);
        Assert.NotEqual(before, numbers.Publisher);
    }

    [Fact]
    public void Of_very_many_publishers_not_all_are_remembered()
    {
        var numbers = new HeardNumbers();
        for (var publisher = 1; publisher <= 300; publisher++)
            Assert.False(numbers.IsGapBefore(new HeardMessage(default(ReadOnlyMemory<byte>), publisher, 1)));

        Assert.False(numbers.IsGapBefore(new HeardMessage(default(ReadOnlyMemory<byte>), Publisher: 1, Number: 9)));
        Assert.True(numbers.IsGapBefore(new HeardMessage(default(ReadOnlyMemory<byte>), Publisher: 300, Number: 9)));
    }

    private void Take(long number) => _topic.Take(new HeardMessage(Encoding.UTF8.GetBytes($"{number}"), Publisher, number));

    private void TakeCount(long number) => _topic.Take(new HeardMessage(null, Publisher, number));

    private sealed class Listener(List<string> heard) : ITopicListener
    {
        public void OnMessage(BackplaneMessage message) => heard.Add(Encoding.UTF8.GetString(message.Payload.Span));

        public void OnGap(TopicGap gap) => heard.Add("gap");
    }
}
