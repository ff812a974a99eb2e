using Xunit;

namespace Runnel.Tests.Cli;

public sealed class BadInputTests
{
    private const string Id = "0199aa00000070008000000000000000";

    [Theory]
    [InlineData("frobnicate", "'runnel' has no command or argument 'frobnicate'. See 'runnel --help'.")]
    [InlineData("channels --frobnicate", "'runnel channels' has no option '--frobnicate'. See 'runnel channels --help'.")]
    [InlineData("channels --layer redis://localhost --queue-layer memory:", "no other process can see")]
    [InlineData("channels --layer redis://localhost --state-layer nats:", "names no layer")]
    [InlineData("channels --layer redis-cluster:x", "names no layer")]
    [InlineData("channels --layer memory:", "no other process can see")]
    [InlineData("channels --layer sqlite:", "names no file")]
    [InlineData("channels --layer sqlite://work.db", "write 'sqlite:work.db'")]
    [InlineData("channels --layer postgres://localhost", "There is no layer 'postgres:' yet")]
    [InlineData("channels --layer redis:/cache", "write redis://")]
    [InlineData("send tasks {", "The body is not JSON")]
    [InlineData("send tasks [1x]", "The mistake is at line 1, byte 3.")]
    [InlineData("send tasks {} --delay 5", "'5' is not a duration")]
    [InlineData("send tasks? {}", "is not a channel name")]
    [InlineData("dead-letters show tasks 12", "'12' is not an id")]
    [InlineData("dead-letters list tasks --reason bored", "'bored' is not a reason")]
    [InlineData("dead-letters list tasks --limit 0", "--limit takes a number")]
    [InlineData("dead-letters purge tasks", "Say what to purge")]
    [InlineData("dead-letters replay tasks", "Say what to replay")]
    [InlineData($"dead-letters purge tasks {Id} --all", "Say what to purge")]
    [InlineData("dead-letters purge tasks --all --type payment.test", "Say what to purge")]
    [InlineData($"dead-letters replay tasks {Id} --reason rejected", "Say what to replay")]
    [InlineData("jobs show 12", "'12' is not an id")]
    [InlineData("channels", "Say which layer")]
    [InlineData("load ftp://host", "is not the address of a WebSocket")]
    [InlineData("load ws://host --connections 0", "--connections takes a number from 1 to")]
    [InlineData("load ws://host --echo", "Give --rate together with --echo or --publish")]
    [InlineData("load ws://host --echo --publish http://host --rate 5", "not both")]
    [InlineData("load ws://host --publish nowhere --rate 5", "--publish takes http://")]
    [InlineData("load ws://host --publish group:news --rate 5", "Say which layer")]
    [InlineData("load ws://host --echo --rate 1000000 --duration 1h", "a test has at most")]
    [InlineData("load ws://host --echo --rate 5 --body hello", "has no {mark}")]
    [InlineData("load ws://host --history 1000,2m", "--history is for --publish group:NAME only")]
    [InlineData("load ws://host --publish group:news --rate 5 --history 0,2m", "--history takes a number of messages and their age")]
    [InlineData("load ws://host --rate 5", "Give --rate together with --echo or --publish")]
    [InlineData("load ws://host --echo --rate 0", "--rate takes a number of messages a second above 0")]
    [InlineData("load ws://host --timeout 0s", "--timeout is not 0s")]
    [InlineData("load ws://host --drain 25h", "are at most 1d")]
    [InlineData("load ws://host --protocol a/b", "'a/b' is not the name of a subprotocol")]
    [InlineData("load ws://host --echo --rate 5 --stream news --body x{mark}", "messages are JSON. --body is not")]
    [InlineData("load ws://host --echo --rate 5 --protocol runnel.v1 --body x{mark}", "messages are JSON. --body is not")]
    [InlineData("load ws://host --connections 1000001", "--connections takes a number from 1 to 1000000")]
    public async Task What_cannot_be_understood_is_one_sentence_and_exit_code_2(string commandLine, string words)
    {
        var tool = await RunnelTool.RunAsync(commandLine.Split(' '));

        tool.FailsWith(2, words);
    }

    [Fact]
    public async Task A_body_from_the_standard_input_is_checked_too()
    {
        var file = Path.Combine(Path.GetTempPath(), $"runnel-{Guid.NewGuid():N}.db");

        var tool = await RunnelTool.RunAsync([], "not json", "send", "tasks", "-", "--layer", $"sqlite:{file}");

        tool.FailsWith(2, "The body is not JSON");
        Assert.False(File.Exists(file));
    }

    [Theory]
    [InlineData("send tasks {}")]
    [InlineData("channels")]
    public async Task A_file_in_a_folder_that_does_not_exist_is_one_sentence_and_exit_code_1(string commandLine)
    {
        var file = Path.Combine(Path.GetTempPath(), $"runnel-{Guid.NewGuid():N}", "work.db");

        var tool = await RunnelTool.RunAsync([.. commandLine.Split(' '), "--layer", $"sqlite:{file}"]);

        tool.FailsWith(1, "its folder does not exist");
    }

    [Fact]
    public async Task A_command_that_only_looks_makes_no_file()
    {
        var file = Path.Combine(Path.GetTempPath(), $"runnel-{Guid.NewGuid():N}.db");

        var tool = await RunnelTool.RunAsync("channels", "--layer", $"sqlite:{file}");

        tool.FailsWith(1, "There is no SQLite database");
        Assert.False(File.Exists(file));
    }

    [Fact]
    public async Task Help_is_no_failure()
    {
        var tool = await RunnelTool.RunAsync("dead-letters", "--help");

        Assert.Equal(0, tool.ExitCode);
        Assert.Contains("replay", tool.Output, StringComparison.Ordinal);
    }
}
