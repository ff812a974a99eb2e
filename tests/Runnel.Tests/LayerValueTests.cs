using Runnel.Layers;
using Xunit;

namespace Runnel.Tests;

/// <summary>Values that a layer is handed: a wrong one cannot be made, and the sentence says why.</summary>
public sealed class LayerValueTests
{
    [Fact]
    public void A_history_keeps_something_for_some_time_and_its_position_no_shorter()
    {
        var (minute, hour) = (TimeSpan.FromMinutes(1), TimeSpan.FromHours(1));

        Assert.Equal("Messages", Assert.Throws<ArgumentOutOfRangeException>(() => new Retention(0, hour)).ParamName);
        Assert.Equal("Age", Assert.Throws<ArgumentOutOfRangeException>(() => new Retention(1, TimeSpan.Zero)).ParamName);
        Assert.Equal((hour, hour), (new Retention(1, hour) { PositionAge = minute }.PositionAge, new Retention(1, minute) { PositionAge = hour }.PositionAge));
        Assert.Equal((TimeSpan.FromHours(24), TimeSpan.FromDays(30)), (new Retention(1, minute).PositionAge, new Retention(1, TimeSpan.FromDays(30)).PositionAge));
    }

    [Fact]
    public void A_name_that_was_never_set_is_told_when_it_is_used_and_can_be_shown()
    {
        Assert.Contains("was never set", Assert.Throws<InvalidOperationException>(() => default(ChannelName).Value).Message, StringComparison.Ordinal);
        Assert.Contains("was never set", Assert.Throws<InvalidOperationException>(() => default(GroupName).Value).Message, StringComparison.Ordinal);
        Assert.Equal(("", "", ""), ($"{default(ChannelName)}", $"{default(GroupName)}", $"{default(Topic)}"));
    }

    [Fact]
    public void Of_a_long_name_that_is_none_the_beginning_and_the_length_are_shown()
    {
        var name = new string('ß', 1_000_000);

        Assert.All(
            [Assert.Throws<ArgumentException>(() => new ChannelName(name)), Assert.Throws<ArgumentException>(() => new GroupName(name))],
            refusal => Assert.StartsWith($"'{name[..120]}… (1000000 characters)' is not a", refusal.Message, StringComparison.Ordinal));
        Assert.StartsWith("'no name' is not a group name", Assert.Throws<ArgumentException>(() => new GroupName("no name")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("job.01930000000070008000000000000000", TopicKind.State, "state:job.01930000000070008000000000000000")]
    [InlineData("job.next", TopicKind.Group, "group:job.next")]
    [InlineData("jobs", TopicKind.Group, "group:jobs")]
    public void The_group_of_a_job_is_its_state_and_no_other_group_is(string group, TopicKind kind, string value)
    {
        var topic = Topic.OfGroup(group);

        Assert.Equal((kind, value, value), (topic.Kind, topic.Value, topic.ToString()));
    }

    [Fact]
    public void A_message_has_a_type_and_no_more_headers_than_the_format_takes()
    {
        var headers = Enumerable.Range(0, 65).ToDictionary(number => $"h{number}", number => $"{number}");

        Assert.Equal("type", Assert.Throws<ArgumentException>(() => new Message("", default)).ParamName);
        Assert.Empty(new Message("t", default, new Dictionary<string, string>()).Headers);
        Assert.Contains("has 65 headers; the most is 64", Assert.Throws<ArgumentException>(() => EnvelopeFormat.Encode(new Envelope(new Message("t", default, headers)))).Message, StringComparison.Ordinal);
        headers.Remove("h64");
        Assert.Equal(headers, EnvelopeFormat.Decode(EnvelopeFormat.Encode(new Envelope(new Message("t", default, headers)))).Message.Headers);
    }

    [Fact]
    public void What_is_thrown_has_the_figures_that_its_sentence_says()
    {
        var (large, full, lost) = (new MessageTooLargeException("group 'all'", 20, 10), new ChannelFullException("payments", 5), new LeaseLostException("w1"));

        Assert.Equal((20, 10), (large.Size, large.Limit));
        Assert.StartsWith("The message for group 'all' has 20 bytes; the limit is 10.", large.Message, StringComparison.Ordinal);
        Assert.Equal(("payments", 5), (full.Channel.Value, full.Capacity));
        Assert.StartsWith("Channel 'payments' is full: it holds 5 messages", full.Message, StringComparison.Ordinal);
        Assert.Equal("w1", lost.WorkerId);
        Assert.StartsWith("Worker 'w1' was not heard of for longer than its lease", lost.Message, StringComparison.Ordinal);
        Assert.Equal(
            "Worker 'w1' has lost its lease: the connection was closed. Its messages went to other workers. Open a new receiver and go on.",
            new LeaseLostException("w1", "the connection was closed.").Message);
    }
}
