using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Runnel.Tests.Processes;
using Runnel.Tests.Sqlite;
using Xunit;

namespace Runnel.Tests.Cli;

/// <summary>What the tool asks the person at a terminal before it does what cannot be undone.</summary>
public sealed class TerminalTests : IAsyncLifetime
{
    private readonly SqliteFile _file = new(TimeProvider.System);
    private Layer _layer = null!;

    private string Address => $"sqlite:{_file.Path}";

    public async ValueTask InitializeAsync()
    {
        _layer = LayerAddress.FactoryOf(Address).Create(Address, TimeProvider.System, NullLoggerFactory.Instance);
        await _layer.OpenAsync();
        var envelopes = Enumerable.Range(0, 2).Select(_ => new Envelope(new Message("bad", "1"u8.ToArray())) { Id = MessageId.New(TimeProvider.System), Channel = "tasks" });
        await _layer.WorkQueue!.EnqueueAsync("tasks", [.. envelopes], EnqueueOptions.Default);
        await using var lease = await _layer.WorkQueue.OpenReceiverAsync(new ReceiverOptions());
        foreach (var received in await lease.ReceiveAsync("tasks", 2))
            Assert.True(await lease.DeadLetterAsync(received, DeadLetterReason.Rejected, "It is no good."));
    }

    public async ValueTask DisposeAsync()
    {
        await _layer.DisposeAsync();
        await _file.DisposeAsync();
    }

    [Theory]
    [InlineData("purge", "n", 1, 2)]
    [InlineData("purge", "", 1, 2)] // yes is not the default
    [InlineData("purge", "y", 0, 0)]
    [InlineData("replay", "n", 1, 2)]
    [InlineData("replay", "y", 0, 0)]
    public async Task Dead_letters_are_purged_and_replayed_if_the_person_says_yes(string verb, string answer, int exitCode, int left)
    {
        await using var tool = ChildProcess.StartOnTerminal("Runnel.Cli.dll", "dead-letters", verb, "tasks", "--all", "--layer", Address);
        await tool.WriteAsync(answer + "\n");

        var (code, said) = await tool.EndAsync();

        Assert.True(code == exitCode, said);
        Assert.Contains($"{CultureInfo.InvariantCulture.TextInfo.ToTitleCase(verb)} 2 dead letters of channel 'tasks'?", said, StringComparison.Ordinal);
        Assert.Equal(left, (await _layer.Operator!.ListDeadLettersAsync("tasks", DeadLetterFilter.All, 10)).Count);
    }

    [Fact]
    public async Task Whoever_says_yes_beforehand_is_not_asked()
    {
        await using var tool = ChildProcess.StartOnTerminal("Runnel.Cli.dll", "dead-letters", "purge", "tasks", "--all", "--yes", "--layer", Address);

        var (code, said) = await tool.EndAsync();

        Assert.True(code == 0, said);
        Assert.DoesNotContain("channel 'tasks'?", said, StringComparison.Ordinal);
        Assert.Empty(await _layer.Operator!.ListDeadLettersAsync("tasks", DeadLetterFilter.All, 10));
    }
}
