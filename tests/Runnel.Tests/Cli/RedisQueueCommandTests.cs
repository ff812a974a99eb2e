using Runnel.Layers;
using Runnel.Redis;
using Runnel.Specification;
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
    [InlineData("redis://", "is not the address of a Redis server")]
    [InlineData("redis://host/one", "'one' is not the number of a Redis database")]
    [InlineData("redis://host?prefix=a:b", "'a:b' is not a prefix")]
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
        Assert.False(_place.Probe.Exists($"{_place.Prefix}:format"));
    }

    [Fact]
    public async Task Of_an_encrypted_layer_the_tool_counts_replays_and_purges_what_it_cannot_read()
    {
        await using var queue = new RedisWorkQueue(_place.Open(options => options.EncryptionKeys.Add(Convert.ToBase64String(new byte[32]))));
        await queue.EnqueueAsync("tasks", [.. Enumerable.Range(0, 2).Select(_ => new Envelope(new Message("task", "1"u8.ToArray())) { Id = MessageId.New(TimeProvider.System), Channel = "tasks" })], EnqueueOptions.Default);
        await DieAsync(queue);

        var channels = (await RunnelTool.RunAsync("channels", "--json", "--layer", Address)).Json;
        var listed = (await RunnelTool.RunAsync("dead-letters", "list", "tasks", "--json", "--layer", Address)).Json;
        var replayed = (await RunnelTool.RunAsync("dead-letters", "replay", "tasks", "--all", "--json", "--layer", Address)).Json;
        await DieAsync(queue);
        var purged = (await RunnelTool.RunAsync("dead-letters", "purge", "tasks", "--all", "--json", "--layer", Address)).Json;

        Assert.Equal(2, Assert.Single(channels.EnumerateArray()).GetProperty("dead").GetInt32());
        Assert.Equal(0, listed.GetArrayLength());
        Assert.Equal((2, 2), (replayed.GetProperty("count").GetInt32(), purged.GetProperty("count").GetInt32()));
    }

    [Fact]
    public async Task With_the_file_of_its_keys_the_tool_reads_and_writes_an_encrypted_layer()
    {
        var folder = Directory.CreateTempSubdirectory("runnel-");
        try
        {
            var keys = Path.Combine(folder.FullName, "keys");
            await File.WriteAllTextAsync(keys, $"{Convert.ToBase64String(new byte[32])}\n");
            var address = $"{Address}&keys={Uri.EscapeDataString(keys)}";
            await using var queue = new RedisWorkQueue(_place.Open(address: address));

            var sent = await RunnelTool.RunAsync("send", "tasks", "{}", "--layer", address);
            Assert.Equal(0, sent.ExitCode);
            await DieAsync(queue);
            var listed = (await RunnelTool.RunAsync("dead-letters", "list", "tasks", "--json", "--layer", address)).Json;

            Assert.Equal("It is no good.", Assert.Single(listed.EnumerateArray()).GetProperty("error").GetString());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task DieAsync(RedisWorkQueue queue)
    {
        await using var lease = await queue.OpenReceiverAsync(new ReceiverOptions());
        foreach (var received in await Wait.For(lease.ReceiveAsync("tasks", 2).AsTask(), "messages"))
            Assert.True(await lease.DeadLetterAsync(received, DeadLetterReason.Rejected, "It is no good."));
    }
}
