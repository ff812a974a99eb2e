using Runnel.Tests.RabbitMQ;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Cli;

public sealed class RabbitMQQueueCommandTests(SharedRabbitServer server) : QueueCommandSpecification
{
    private RabbitPlace _place = null!;

    protected override string Address => _place.Host.Address;

    public override async ValueTask InitializeAsync()
    {
        _place = await RabbitPlace.CreateAsync(server);
        await base.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Theory]
    [InlineData("channels")]
    [InlineData("dead-letters list tasks")]
    [InlineData("send tasks {}")]
    public async Task A_RabbitMQ_that_is_away_is_one_sentence_and_exit_code_1(string commandLine)
    {
        var port = LoopbackPort.Free();

        var tool = await RunnelTool.RunAsync([.. commandLine.Split(' '), "--layer", $"amqp://127.0.0.1:{port}"]);

        tool.FailsWith(1, $"No RabbitMQ listens at 127.0.0.1:{port}.");
    }
}
