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
    public void What_the_client_closes_itself_is_no_refusal()
    {
        var closed = new OperationInterruptedException(new ShutdownEventArgs(ShutdownInitiator.Library, 403, "the reason"));

        Assert.False(RabbitExplanation.IsRefusal(new RabbitUnavailableException("It failed.", closed)));
    }
}
