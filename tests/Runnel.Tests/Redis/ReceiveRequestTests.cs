using Runnel.Layers;
using Runnel.Redis.Receiving;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>How the messages of one claim are handed out.</summary>
public sealed class ReceiveRequestTests
{
    [Fact]
    public async Task The_share_of_a_receiver_that_left_goes_to_the_next_before_all_that_came_later()
    {
        List<ReceivedMessage> messages = [.. Enumerable.Range(1, 5).Select(number => new ReceivedMessage("work", new Envelope(new Message($"{number}", default)), null))];
        var (left, next) = (new ReceiveRequest(2), new ReceiveRequest(4));
        var receivers = new Queue<ReceiveRequest>([left, next]);
        left.SetCanceled(TestContext.Current.CancellationToken);

        var given = ReceiveRequest.Distribute(messages, () => receivers.TryDequeue(out var receiver) ? receiver : null);

        Assert.Equal(["1", "2", "3", "4"], (await next.Task).Select(message => message.Envelope.Message.Type));
        Assert.Equal(4, given);
    }
}
