using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>Who is in a group on this node, and what goes to its members.</summary>
public sealed class GroupMembershipTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly InMemoryBackplane _backplane;
    private readonly FakeNode _node;

    public GroupMembershipTests()
    {
        _backplane = new(_clock);
        _node = FakeConnection.CreateNode(_backplane, _clock);
    }

    [Fact]
    public async Task A_member_gets_what_is_sent_after_it_joined_and_nothing_after_it_left()
    {
        var connection = await FakeConnection.ConnectAsync(_node);
        await _node.Groups.SendAsync("news", "before");
        await connection.Groups.AddAsync("news");
        await _node.Groups.SendAsync("news", "while a member");
        await connection.Groups.RemoveAsync("news");
        await _node.Groups.SendAsync("news", "after");
        await connection.SendAsync("end");

        await Wait.Until(() => connection.Writer.Texts.Contains("while a member"), "the message has arrived");
        Assert.DoesNotContain("before", connection.Writer.Texts);
        Assert.DoesNotContain("after", connection.Writer.Texts);
    }

    [Fact]
    public async Task Joining_twice_counts_once_and_leaving_twice_does_nothing()
    {
        var connection = await FakeConnection.ConnectAsync(_node);
        await connection.Groups.AddAsync("news");
        await connection.Groups.AddAsync("news");
        Assert.Equal((1, 1), (_node.Groups.CountOf("news"), _node.GroupCountOf(connection)));

        await connection.Groups.RemoveAsync("news");
        await connection.Groups.RemoveAsync("news");

        Assert.Equal((0, 0), (_node.Groups.CountOf("news"), _node.GroupCountOf(connection)));
    }

    [Fact]
    public async Task A_connection_that_ends_leaves_all_its_groups()
    {
        var connection = await FakeConnection.ConnectAsync(_node);
        for (var i = 0; i < 20; i++)
            await connection.Groups.AddAsync($"g{i}");

        await connection.Session.DisconnectAsync(1000);

        Assert.All(Enumerable.Range(0, 20), i => Assert.Equal(0, _node.Groups.CountOf($"g{i}")));
        Assert.Equal((0, 0), (_node.ConnectionCount, _node.Members.Count));
    }

    [Fact]
    public async Task A_consumer_that_is_told_of_the_end_is_in_no_group_any_more()
    {
        var members = -1;
        var connection = await FakeConnection.ConnectAsync(_node, ConsumerDescriptor.For(new ConsumerBuilder().OnDisconnect((_, _) =>
        {
            members = _node.Groups.CountOf("news");
            return Task.CompletedTask;
        })));
        await connection.Groups.AddAsync("news");

        await connection.Session.DisconnectAsync(1000);

        Assert.Equal(0, members);
    }

    [Fact]
    public async Task What_a_connection_asks_of_its_groups_ends_with_the_token_that_it_gives()
    {
        var connection = await FakeConnection.ConnectAsync(_node);
        await connection.Groups.AddAsync("news");
        var cancelled = new CancellationToken(canceled: true);

        foreach (var ask in new Func<ValueTask>[]
        {
            async () => await connection.Groups.AddAsync("more", cancelled),
            () => connection.Groups.RemoveAsync("news", cancelled),
            () => connection.Groups.SendAsync("news", "text", cancelled),
            () => connection.Groups.SendAsync("news", new byte[1], cancelled),
            () => connection.Groups.SendJsonAsync("news", 1, cancelled),
            () => connection.Groups.SendEventAsync("news", "tick", 1, cancelled),
        })
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await ask());

        Assert.Equal((1, 1), (_node.Groups.CountOf("news"), _node.GroupCountOf(connection)));
        Assert.Empty(connection.Writer.Texts);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a room")]
    [InlineData("käse")]
    [InlineData("line\n")]
    public async Task A_group_name_that_breaks_the_rule_is_refused_with_the_rule(string name)
    {
        var connection = await FakeConnection.ConnectAsync(_node);

        var refused = await Assert.ThrowsAsync<ArgumentException>(async () => await connection.Groups.AddAsync(name));

        Assert.Contains("1 to 99 characters", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_refused_with_the_limit()
    {
        var node = FakeConnection.CreateNode(_backplane, _clock, configure: options => options.MaxGroupMessageBytes = 1024);
        var fits = Enumerable.Range(0, 1024).Select(length => new string('x', length)).Single(text => Encoded(text) == 1024);

        await node.Groups.SendAsync("news", fits);
        await Assert.ThrowsAsync<MessageTooLargeException>(() => node.Groups.SendAsync("news", fits + 'x').AsTask());

        var refused = await Assert.ThrowsAsync<MessageTooLargeException>(() => node.Groups.SendAsync("news", new string('x', 1025)).AsTask());

        Assert.Contains("1024", refused.Message, StringComparison.Ordinal);
        Assert.Contains("news", refused.Message, StringComparison.Ordinal);

        static int Encoded(string text) => EnvelopeFormat.Encode(new Envelope(new Message(GroupMessage.PlainType, System.Text.Encoding.UTF8.GetBytes(text)), EnvelopeKind.TextFrame)).Length;
    }

    [Fact]
    public async Task Rubbish_on_a_groups_topic_is_left_and_logged()
    {
        var logs = new RecordedLog();
        var node = FakeConnection.CreateNode(_backplane, _clock, logs);
        var connection = await FakeConnection.ConnectAsync(node);
        await connection.Groups.AddAsync("news");

        await _backplane.PublishAsync(Topic.OfGroup("news"), new byte[] { 9, 9, 9 }, retention: null);
        await node.Groups.SendAsync("news", "goes on");

        await Wait.Until(() => connection.Writer.Texts is ["goes on"], "the message has arrived");
        Assert.Single(logs.Of(1006));
    }
}
