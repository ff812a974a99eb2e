using Xunit;

namespace Runnel.Tests.Chaos;

/// <summary>The chaos run in a short form on RabbitMQ.</summary>
public sealed class RabbitMQLedgerTests
{
    [Fact]
    public async Task The_same_holds_on_RabbitMQ_which_is_killed_too()
    {
        var run = await BenchProgram.RunAsync(
            "chaos", "--layer", "amqp:", "--messages", "3000", "--kills", "3", "--server-kills", "1", "--handovers", "0", "--stop-seconds", "2", "--long-job-seconds", "4");

        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.InRange(run.Figure("messages confirmed to the producer"), 3000, long.MaxValue);
        Assert.Equal(0, run.Figure("messages lost"));
        Assert.Equal(0, run.Figure("executions out of their key's order"));
        Assert.Equal(0, run.Figure("executions before the message was due"));
        Assert.Equal(1, run.Figure("restarts of the server"));
        Assert.Equal(0, run.Figure("queues, exchanges and bindings left that are not"));
        Assert.Equal(1, run.Figure("executions of the long job"));
    }
}
