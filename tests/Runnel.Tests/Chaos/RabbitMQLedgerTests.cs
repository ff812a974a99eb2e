using Xunit;

namespace Runnel.Tests.Chaos;

/// <summary>The chaos run on RabbitMQ.</summary>
public sealed class RabbitMQLedgerTests
{
    [Fact]
    public async Task The_same_holds_on_RabbitMQ_which_is_killed_too()
    {
        var run = await ChaosRun.RunAsync("amqp:", "--kills", "3", "--server-kills", "1", "--stop-seconds", "2", "--long-job-seconds", "4");

        Assert.Equal(1, run.Figure("restarts of the server"));
        Assert.Equal(0, run.Figure("queues, exchanges and bindings left that are not"));
    }
}
