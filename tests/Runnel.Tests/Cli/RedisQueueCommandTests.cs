using Runnel.Tests.Redis;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Cli;

public sealed class RedisQueueCommandTests(RedisServer redis) : QueueCommandSpecification, IClassFixture<RedisServer>
{
    private readonly RedisPlace _place = new(redis);

    protected override string Address => _place.Address;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Theory]
    [InlineData("channels")]
    [InlineData("dead-letters list tasks")]
    [InlineData("send tasks {}")]
    [InlineData("jobs show 0199aa00000070008000000000000000")]
    public async Task A_redis_that_is_away_is_one_sentence_and_exit_code_1(string commandLine)
    {
        var port = LoopbackPort.Free();

        var tool = await RunnelTool.RunAsync([.. commandLine.Split(' '), "--layer", $"redis://127.0.0.1:{port}"]);

        tool.FailsWith(1, $"No Redis listens at 127.0.0.1:{port}.");
    }

    [Theory]
    [InlineData("redis://", "names no host")]
    [InlineData("redis://host/one", "'one' is no number of a Redis database")]
    [InlineData("redis://host?prefix=a:b", "'a:b' is no prefix")]
    public async Task What_is_no_address_of_a_redis_is_one_sentence_and_exit_code_2(string address, string words)
    {
        var tool = await RunnelTool.RunAsync("channels", "--layer", address);

        tool.FailsWith(2, words);
    }

    [Fact]
    public async Task A_command_that_only_looks_leaves_nothing_in_redis()
    {
        await RunnelTool.RunAsync("channels", "--layer", Address);
        await RunnelTool.RunAsync("dead-letters", "list", "tasks", "--layer", Address);

        Assert.Empty(_place.Kept);
    }
}
