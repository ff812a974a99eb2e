using System.Text;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Streams;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>How a group's messages come to its members on this node.</summary>
public sealed class GroupDeliveryTests : IDisposable
{
    private readonly RecordedLog _logs = new();
    private readonly InMemoryBackplane _backplane = new(TimeProvider.System);

    [Fact]
    public async Task A_frame_is_encoded_once_for_all_members()
    {
        var node = FakeConnection.CreateNode(_backplane);
        var members = await JoinAsync(node, 5);

        await node.Groups.SendAsync("news", "hello");

        foreach (var member in members)
            await Wait.Until(() => member.Writer.Frames.Count == 1, "the frame has arrived");
        Assert.Single(members.Select(member => member.Writer.Frames[0]).Distinct());
    }

    [Fact]
    public async Task Text_json_and_bytes_come_as_what_they_are_to_a_client_with_a_socket_of_its_own()
    {
        var node = FakeConnection.CreateNode(_backplane);
        var member = (await JoinAsync(node, 1))[0];

        await node.Groups.SendAsync("news", "text");
        await node.Groups.SendJsonAsync("news", new { A = 1 });
        await node.Groups.SendAsync("news", new byte[] { 0xFF, 0 });

        await Wait.Until(() => member.Writer.Frames.Count == 3, "all have arrived");
        Assert.Equal([FrameKind.Text, FrameKind.Text, FrameKind.Binary], member.Writer.Frames.Select(frame => frame.Kind));
        Assert.Equal(["text", """{"a":1}"""], member.Writer.Texts[..2]);
        Assert.Equal([0xFF, 0], member.Writer.Frames[2].Payload.ToArray());
    }

    [Fact]
    public async Task The_messages_of_one_sender_arrive_in_the_order_sent()
    {
        var node = FakeConnection.CreateNode(_backplane);
        var members = await JoinAsync(node, 3);

        await Wait.For(Task.WhenAll(Enumerable.Range(0, 4).Select(sender => Task.Run(async () =>
        {
            for (var i = 0; i < 200; i++)
                await node.Groups.SendAsync("news", $"{sender}:{i}");
        }))), "the senders");

        foreach (var member in members)
        {
            await Wait.Until(() => member.Writer.Frames.Count == 800, "all have arrived");
            Assert.All(member.Writer.Texts.GroupBy(text => text[0]), own => Assert.Equal(Enumerable.Range(0, 200), own.Select(text => int.Parse(text[2..], null))));
        }
    }

    [Fact]
    public async Task What_arrives_while_a_consumer_connects_comes_after_what_it_sends_itself()
    {
        var node = FakeConnection.CreateNode(_backplane);
        var descriptor = ConsumerDescriptor.For(new ConsumerBuilder().OnConnect(async (connection, ct) =>
        {
            await connection.AcceptAsync(AcceptOptions.Default, ct);
            await node.Groups.AddAsync("news", connection.ChannelName, ct);
            await node.Groups.SendAsync("news", "live 1", ct);
            await node.Groups.SendAsync("news", "live 2", ct);
            await connection.SendAsync("snapshot", ct);
        }));

        var member = await FakeConnection.ConnectAsync(node, descriptor);
        await node.Groups.SendAsync("news", "live 3");

        await Wait.Until(() => member.Writer.Frames.Count == 4, "all have arrived");
        Assert.Equal(["snapshot", "live 1", "live 2", "live 3"], member.Writer.Texts);
    }

    [Fact]
    public async Task A_consumer_that_connects_too_slowly_for_its_groups_is_told_to_come_back()
    {
        var node = FakeConnection.CreateNode(_backplane, configure: options => options.MaxWaitingEventBytes = 400);
        var descriptor = ConsumerDescriptor.For(new ConsumerBuilder().OnConnect(async (connection, ct) =>
        {
            await node.Groups.AddAsync("news", connection.ChannelName, ct);
            for (var i = 0; i < 4; i++)
                await node.Groups.SendAsync("news", $"{i}", ct);
        }));

        var member = await FakeConnection.ConnectAsync(node, descriptor);

        await Wait.Until(() => !member.Closes.IsEmpty, "it is closed");
        Assert.All(member.Closes, code => Assert.Equal(CloseCode.TryAgainLater, code));
    }

    [Fact]
    public async Task A_member_that_leaves_because_of_a_message_costs_no_other_member_the_message()
    {
        // Every second member is a stream that takes too long to connect: it is closed in the middle of the fan-out, and leaves its groups as it closes.
        var node = FakeConnection.CreateNode(_backplane, logs: _logs, configure: options => options.MaxWaitingEventBytes = 300);
        var never = new TaskCompletionSource();
        var sockets = new List<FakeConnection>();
        for (var i = 0; i < 6; i++)
        {
            var connects = i % 2 == 0 ? never.Task : Task.CompletedTask;
            sockets.Add(await FakeConnection.ConnectAsync(node));
            var stream = new StreamConnection(sockets[i].Session.Context, $"s{i}", ConsumerDescriptor.For(new ConsumerBuilder().OnConnect(async (connection, ct) =>
            {
                await connection.AcceptAsync(AcceptOptions.Default, ct);
                await connects;
            })));
            _ = stream.ConnectAsync();
            await node.Groups.AddAsync("news", stream.ChannelName);
        }

        for (var i = 0; i < 4; i++)
            await node.Groups.SendAsync("news", $"{i}");
        await Wait.Until(() => node.Groups.CountOf("news") == 3, "the slow ones have left");
        await node.Groups.SendAsync("news", "end");

        foreach (var socket in sockets.Where((_, i) => i % 2 == 1))
            await Wait.Until(() => socket.Writer.Texts.Any(text => text.Contains("end", StringComparison.Ordinal)), "the others have the message");
        foreach (var socket in sockets.Where((_, i) => i % 2 == 0))
            await Wait.Until(() => socket.Closes.Contains(CloseCode.TryAgainLater), "the slow ones are sent away");
        Assert.Empty(_logs.AtLeast(Microsoft.Extensions.Logging.LogLevel.Error));
        never.SetResult();
    }

    [Fact]
    public async Task A_message_that_cannot_be_put_into_a_streams_frame_costs_the_other_members_nothing()
    {
        var node = FakeConnection.CreateNode(_backplane, logs: _logs);
        var first = await JoinAsync(node, 1);
        var socket = await FakeConnection.ConnectAsync(node);
        var stream = new StreamConnection(socket.Session.Context, "s", ConsumerDescriptor.For(new ConsumerBuilder()));
        await stream.ConnectAsync();
        await node.Groups.AddAsync("news", stream.ChannelName);
        var last = await JoinAsync(node, 1);

        // Another node calls this JSON.
        var rubbish = new Envelope(new Message(GroupMessage.JsonType, "{"u8.ToArray()), EnvelopeKind.TextFrame);
        await _backplane.PublishAsync(Topic.OfGroup("news"), EnvelopeFormat.Encode(rubbish), retention: null);
        await node.Groups.SendAsync("news", "goes on");

        foreach (var member in first.Concat(last).Append(socket))
            await Wait.Until(() => member.Writer.Texts.Any(text => text.Contains("goes on", StringComparison.Ordinal)), "the next message has arrived");
        Assert.Single(_logs.Of(1011));
    }

    [Fact]
    public async Task A_message_that_cannot_be_put_into_the_frame_of_a_stream_that_is_connecting_is_logged()
    {
        var node = FakeConnection.CreateNode(_backplane, logs: _logs);
        var socket = await FakeConnection.ConnectAsync(node);
        var goOn = new TaskCompletionSource();
        var stream = new StreamConnection(socket.Session.Context, "s", ConsumerDescriptor.For(new ConsumerBuilder().OnConnect(async (connection, ct) =>
        {
            await connection.AcceptAsync(AcceptOptions.Default, ct);
            await goOn.Task;
        })));
        var connecting = stream.ConnectAsync();
        await node.Groups.AddAsync("news", stream.ChannelName);

        // Another node calls this JSON.
        var rubbish = new Envelope(new Message(GroupMessage.JsonType, "{"u8.ToArray()), EnvelopeKind.TextFrame);
        await _backplane.PublishAsync(Topic.OfGroup("news"), EnvelopeFormat.Encode(rubbish), retention: null);
        goOn.SetResult();
        await Wait.For(connecting, "the stream to connect");

        Assert.Single(_logs.Of(1022));
    }

    [Fact]
    public async Task A_group_frame_is_encoded_once_for_each_name_of_a_stream()
    {
        var message = new GroupMessage(new Envelope(new Message(GroupMessage.PlainType, "hello"u8.ToArray()), EnvelopeKind.TextFrame));

        Assert.Same(message.FrameFor("a"), message.FrameFor("a"));
        Assert.Same(message.FrameFor("b"), message.FrameFor("b"));
        Assert.Same(message.FrameFor("c"), message.FrameFor("c"));
        Assert.Equal("""{"stream":"b","payload":"hello"}""", Encoding.UTF8.GetString(message.FrameFor("b").Payload.Span));
        await Task.CompletedTask;
    }

    public void Dispose() => _logs.Dispose();

    private static async Task<List<FakeConnection>> JoinAsync(FakeNode node, int count)
    {
        var members = new List<FakeConnection>();
        for (var i = 0; i < count; i++)
        {
            members.Add(await FakeConnection.ConnectAsync(node));
            await members[i].Groups.AddAsync("news");
        }
        return members;
    }
}
