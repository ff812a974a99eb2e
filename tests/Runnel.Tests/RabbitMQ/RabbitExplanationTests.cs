using System.Net.Sockets;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;
using Runnel.RabbitMQ.Connections;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What the broker would refuse again fails at once; what passes is waited for.</summary>
public sealed class RabbitExplanationTests
{
    [Theory]
    [InlineData(311, true)] // a message that is too large
    [InlineData(320, false)] // the broker is shutting down
    [InlineData(403, true)] // a missing right
    [InlineData(404, true)]
    [InlineData(405, true)]
    [InlineData(406, true)]
    [InlineData(504, false)] // a channel that is closed already
    [InlineData(530, true)] // a virtual host
    [InlineData(541, false)] // a fault of the broker's own
    public void What_the_broker_closes_a_channel_for_is_a_refusal_or_passes(ushort code, bool isRefusal)
    {
        var closed = new OperationInterruptedException(new ShutdownEventArgs(ShutdownInitiator.Peer, code, "the reason"));

        Assert.Equal(isRefusal, RabbitExplanation.IsRefusal(new RabbitUnavailableException("It failed.", closed)));
    }

    [Fact]
    public void A_failure_is_explained_in_a_sentence_that_says_what_to_look_at()
    {
        (string Address, Exception Failure, string Sentence)[] failures =
        [
            ("amqp://broker", new SocketException((int)SocketError.ConnectionRefused), "No RabbitMQ listens at broker:5672."),
            ("amqp://broker", new SocketException((int)SocketError.TryAgain), "There is no host 'broker' for RabbitMQ."),
            ("amqp://broker", new SocketException((int)SocketError.ConnectionReset), "What listens at broker:5672 ended the connection. Is the port right (5672)?"),
            ("amqps://broker", new SocketException((int)SocketError.ConnectionAborted), "What listens at broker:5671 ended the connection. Is this its port for TLS (5671)"),
            ("amqp://broker", new SocketException((int)SocketError.HostUnreachable), "RabbitMQ at broker:5672 cannot be reached: "),
            ("amqp://broker", new TimeoutException(), "What listens at broker:5672 did not answer within 3 s as RabbitMQ would."),
            ("amqp://broker", new MalformedFrameException("It is malformed."), "What answers at broker:5672 is not RabbitMQ, or not in the clear."),
            ("amqps://broker", new IOException("It is over."), "What listens at broker:5671 does not answer over TLS."),
            ("amqp://broker", new IOException("It is over."), "What listens at broker:5672 does not answer as RabbitMQ does: It is over. Is the port right"),
            ("amqp://broker", new BrokerUnreachableException(new AggregateException(new TimeoutException(), new SocketException((int)SocketError.ConnectionRefused))), "No RabbitMQ listens at broker:5672."),
            ("amqp://broker/shop", Closed(530, "NOT_ALLOWED - access to vhost 'shop' refused for user 'guest'"), "RabbitMQ at broker:5672/shop does not let the user 'guest' into the virtual host 'shop'."),
            ("amqp://broker/shop", Closed(530, "NOT_ALLOWED - vhost shop not found"), "RabbitMQ at broker:5672/shop has no virtual host 'shop'."),
            ("amqp://broker", Closed(405, "RESOURCE_LOCKED"), "A queue of this node still belongs to another connection at broker:5672 (RESOURCE_LOCKED)."),
            ("amqp://broker", Closed(541, "INTERNAL_ERROR."), "RabbitMQ at broker:5672 closed the connection: INTERNAL_ERROR."),
        ];

        Assert.All(failures, each => Assert.StartsWith(each.Sentence, RabbitExplanation.Of(each.Failure, RabbitAddress.Parse(each.Address), TimeSpan.FromSeconds(3)), StringComparison.Ordinal));
    }

    [Fact]
    public void What_the_client_closes_itself_is_no_refusal()
    {
        var closed = new OperationInterruptedException(new ShutdownEventArgs(ShutdownInitiator.Library, 403, "the reason"));

        Assert.False(RabbitExplanation.IsRefusal(new RabbitUnavailableException("It failed.", closed)));
    }

    private static OperationInterruptedException Closed(ushort code, string text) => new(new ShutdownEventArgs(ShutdownInitiator.Peer, code, text));
}
