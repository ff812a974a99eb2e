using Runnel.Consumers;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>The end of a stream whose socket goes to another worker meanwhile: there, the stream is over, so only this worker can tell its consumer.</summary>
public sealed class StreamEndTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_consumer_that_closes_its_stream_while_the_socket_goes_to_another_worker_is_told_of_the_end(bool closesBefore)
    {
        var journal = new Journal();
        await using var node = FakeConnection.CreateNode(new InMemoryBackplane(TimeProvider.System));
        var closing = new ConsumerDescriptor(
            "Closing", usesServices: false, _ => new Closing(journal, closesBefore), [EventHandlerMethod.Of<Closing>("close", typeof(Closing).GetMethod(nameof(Closing.OnCloseAsync))!)]);
        using var socket = new FakeConnection(node, DemultiplexerBuilder.Greeted(closing));
        await socket.Session.ConnectAsync();
        node.Members.Find(socket.Number + 1)!.PostEvent(new GroupMessage(new Envelope(new Message("close", default))));
        Assert.Equal("at work", await journal.NextAsync());

        var leaving = socket.Session.ReleaseAsync();
        journal.Gate.SetResult();

        Assert.Equal("end 4000", await journal.NextAsync());
        Assert.Equal("disposed", await journal.NextAsync());
        await Wait.For(leaving, "the socket to leave");
        Assert.Equal(0, journal.Unread);
    }

    private sealed class Closing(Journal journal, bool closesBefore) : WebSocketConsumer, IDisposable
    {
        [Handles("close")]
        public async Task OnCloseAsync()
        {
            if (closesBefore)
                await CloseAsync(4000);
            journal.Write("at work");
            await journal.Gate.Task;
            if (!closesBefore)
                await CloseAsync(4000);
        }

        public override Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
        {
            journal.Write($"end {code}");
            return Task.CompletedTask;
        }

        public void Dispose() => journal.Write("disposed");
    }
}
