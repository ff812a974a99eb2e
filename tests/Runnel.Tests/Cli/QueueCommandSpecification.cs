using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Cli;

/// <summary>Channels, messages and dead letters: what the tool does is seen through the layer, and the other way round.</summary>
public abstract class QueueCommandSpecification : IAsyncLifetime
{
    private const char Escape = '\u001b';

    private Layer _layer = null!;
    private IWorkQueue _queue = null!;

    /// <summary>The address of a layer of this test's own.</summary>
    protected abstract string Address { get; }

    private IWorkQueueOperator Operator => _layer.Operator!;

    private bool Promises(WorkQueueFeatures feature)
    {
        var promises = _queue.Features.HasFlag(feature);
        if (!promises)
            NotPromised.Note($"{feature}");
        return promises;
    }

    public virtual async ValueTask InitializeAsync()
    {
        _layer = LayerAddress.FactoryOf(Address).Create(Address, TimeProvider.System, NullLoggerFactory.Instance);
        await _layer.OpenAsync();
        _queue = _layer.WorkQueue!;
    }

    public virtual async ValueTask DisposeAsync()
    {
        await _layer.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_message_that_is_sent_is_what_a_worker_gets()
    {
        var id = (await RunAsync("send", "tasks", """{"name":"Zoë"}""", "--type", "task.new", "--key", "@zoe")).Line;

        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions(), TestContext.Current.CancellationToken);
        var received = Assert.Single(await lease.ReceiveAsync("tasks", 10, TestContext.Current.CancellationToken));
        Assert.Equal(id, received.Id.ToString());
        Assert.Equal("task.new", received.Envelope.Message.Type);
        Assert.Equal("@zoe", received.Envelope.Key);
        Assert.Equal("""{"name":"Zoë"}""", Encoding.UTF8.GetString(received.Envelope.Message.Body.Span));
    }

    [Fact]
    public async Task A_body_may_come_from_the_standard_input_and_the_layer_from_the_environment()
    {
        var environment = new Dictionary<string, string> { ["Runnel__Layer"] = Address };

        var sent = (await RunnelTool.RunAsync(environment, "[1, 2]", "send", "tasks", "-", "--json")).Json;

        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions(), TestContext.Current.CancellationToken);
        var received = Assert.Single(await lease.ReceiveAsync("tasks", 10, TestContext.Current.CancellationToken));
        Assert.Equal(sent.GetProperty("id").GetString(), received.Id.ToString());
        Assert.Equal("tasks", received.Envelope.Message.Type);
        Assert.Equal("[1, 2]", Encoding.UTF8.GetString(received.Envelope.Message.Body.Span));
    }

    [Fact]
    public async Task A_duplicate_is_said_to_be_one_and_has_no_id()
    {
        if (!Promises(WorkQueueFeatures.Deduplicate))
            return;
        await RunAsync("send", "tasks", "1", "--deduplication-id", "once");

        var second = await RunAsync("send", "tasks", "2", "--deduplication-id", "once", "--json");

        Assert.True(second.Json.GetProperty("isDuplicate").GetBoolean());
        Assert.Equal(JsonValueKind.Null, second.Json.GetProperty("id").ValueKind);
    }

    [Fact]
    public async Task Channels_show_what_they_hold()
    {
        await DieAsync("bad");
        await RunAsync("send", "tasks", "1");
        await RunAsync("send", "tasks", "2", "--delay", "01:00:00");
        var isFull = Promises(WorkQueueFeatures.FullStatus);
        for (var i = 0; isFull && i < 2; i++)
            await EnqueueAsync(new Message("one after the other", "3"u8.ToArray()), key: "k");

        var channel = Assert.Single((await RunAsync("channels", "--json")).Json.EnumerateArray());
        var table = await RunAsync("channels");

        Assert.Equal("tasks", channel.GetProperty("channel").GetString());
        Assert.Equal(1, channel.GetProperty("dead").GetInt64());
        Assert.Contains("In flight", table.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Escape, table.Output);
        Assert.Equal(isFull ? 2 : 1, channel.GetProperty("ready").GetInt64());
        if (!isFull)
        {
            Assert.All(["depth", "scheduled", "blocked", "inFlight", "ageSeconds"], name => Assert.Equal(JsonValueKind.Null, channel.GetProperty(name).ValueKind));
            Assert.Equal(["tasks", "–", "1", "–", "–", "–", "–", "1"], table.Output.Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
            Assert.Contains("does not tell", table.Error, StringComparison.Ordinal);
            return;
        }
        Assert.Equal("", table.Error);
        Assert.Equal((1, 1, 4), (Number("scheduled"), Number("blocked"), Number("depth")));
        Assert.Equal(0, channel.GetProperty("inFlight").GetInt64());
        Assert.True(channel.GetProperty("ageSeconds").GetDouble() >= 0);

        long Number(string name) => channel.GetProperty(name).GetInt64();
    }

    [Fact]
    public async Task Channels_show_how_old_the_oldest_message_is_and_what_workers_have_in_hand()
    {
        if (!Promises(WorkQueueFeatures.FullStatus))
            return;
        for (var message = 1; message <= 2; message++)
            await EnqueueAsync(new Message("task", "1"u8.ToArray()));
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        await lease.ReceiveAsync("tasks", 2);
        await EnqueueAsync(new Message("task", "1"u8.ToArray()));
        await EnqueueAsync(new Message("task", "1"u8.ToArray()), age: TimeSpan.FromMinutes(150));

        var channel = Assert.Single((await RunAsync("channels", "--json")).Json.EnumerateArray());
        var table = (await RunAsync("channels")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal((2, 2), (channel.GetProperty("inFlight").GetInt64(), channel.GetProperty("ready").GetInt64()));
        Assert.InRange(channel.GetProperty("ageSeconds").GetDouble(), 150 * 60, 160 * 60);
        Assert.Equal(["tasks", "2", "2", "0", "0", "2h", "2", "0"], table[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task A_dead_letter_is_one_line_of_the_table_however_long_its_error()
    {
        var first = $"It is no good. {new string('x', 300)} The end.";
        await DieAsync("bad", error: $"{first}\n   at Second()");

        var lines = (await RunAsync("dead-letters", "list", "tasks")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(2, lines.Length); // the head, and the letter
        Assert.EndsWith(first, lines[1].TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dead_letter_is_told_with_its_counters_its_key_and_its_times()
    {
        var sent = DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds()).AddHours(-3);
        var key = Promises(WorkQueueFeatures.KeyOrder) ? "k" : null;
        var envelope = new Envelope(new Message("bad", "1"u8.ToArray())) { Id = MessageId.New(TimeProvider.System), Channel = "tasks", Key = key, SentAt = sent, Attempt = 4, Crashes = 2 };
        await _queue.EnqueueAsync("tasks", [envelope], EnqueueOptions.Default);
        await DeadLetterAsync(DeadLetterReason.AttemptsExhausted, "It is no good.");
        var letter = Assert.Single(await Operator.ListDeadLettersAsync("tasks", DeadLetterFilter.All, 10));

        var listed = Assert.Single((await RunAsync("dead-letters", "list", "tasks", "--json")).Json.EnumerateArray());
        var shown = (await RunAsync("dead-letters", "show", "tasks", $"{envelope.Id}", "--json")).Json;
        var row = (await RunAsync("dead-letters", "list", "tasks")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[1];

        foreach (var document in new[] { listed, shown })
        {
            Assert.Equal((letter.Envelope.Attempt, letter.Envelope.Crashes), (document.GetProperty("attempts").GetInt32(), document.GetProperty("crashes").GetInt32()));
            Assert.Equal(("tasks", "attemptsExhausted", key), (document.GetProperty("channel").GetString(), document.GetProperty("reason").GetString(), document.GetProperty("key").GetString()));
            Assert.Equal((sent, letter.At), (document.GetProperty("sentAt").GetDateTimeOffset(), document.GetProperty("deadAt").GetDateTimeOffset()));
        }
        Assert.Matches($"^{envelope.Id} +bad +attemptsExhausted +{letter.Envelope.Attempt} +{letter.Envelope.Crashes} +{letter.At:u} +It is no good\\. *$", row);
    }

    [Fact]
    public async Task A_layer_that_holds_nothing_is_an_empty_document()
    {
        Assert.Equal(0, (await RunAsync("channels", "--json")).Json.GetArrayLength());
        Assert.Equal(0, (await RunAsync("dead-letters", "list", "tasks", "--json")).Json.GetArrayLength());
    }

    [Fact]
    public async Task Dead_letters_are_listed_by_type_and_reason_and_steer_no_terminal()
    {
        var id = await DieAsync("bad");
        await DieAsync("worse", DeadLetterReason.Unreadable, error: $"{Escape}[2J Too bad.");

        var all = (await RunAsync("dead-letters", "list", "tasks", "--json")).Json;
        var bad = Assert.Single((await RunAsync("dead-letters", "list", "tasks", "--type", "bad", "--json")).Json.EnumerateArray());
        var unreadable = Assert.Single((await RunAsync("dead-letters", "list", "tasks", "--reason", "unreadable", "--json")).Json.EnumerateArray());
        var table = await RunAsync("dead-letters", "list", "tasks");

        Assert.Equal(2, all.GetArrayLength());
        Assert.Equal(id.ToString(), bad.GetProperty("id").GetString());
        Assert.Equal("rejected", bad.GetProperty("reason").GetString());
        Assert.Equal("worse", unreadable.GetProperty("type").GetString());
        Assert.Contains("Too bad.", table.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Escape, table.Output);
    }

    [Fact]
    public async Task A_dead_letter_is_shown_with_body_headers_and_error()
    {
        var id = await DieAsync("bad", error: $"{Escape}[2J It is no good.", body: """{"order":7}""");

        var json = (await RunAsync("dead-letters", "show", "tasks", id.ToString(), "--json")).Json;
        var text = await RunAsync("dead-letters", "show", "tasks", id.ToString());

        Assert.Equal(7, json.GetProperty("body").GetProperty("order").GetInt32());
        Assert.Equal("test", json.GetProperty("headers").GetProperty("origin").GetString());
        Assert.EndsWith("It is no good.", json.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Contains("\"order\": 7", text.Output, StringComparison.Ordinal);
        Assert.Contains("It is no good.", text.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Escape, text.Output);
    }

    [Fact]
    public async Task A_body_that_is_no_json_is_shown_in_base64()
    {
        var id = await DieAsync("bad", body: "{");

        var json = (await RunAsync("dead-letters", "show", "tasks", id.ToString(), "--json")).Json;

        Assert.Equal(JsonValueKind.Null, json.GetProperty("body").ValueKind);
        Assert.Equal("{"u8.ToArray(), json.GetProperty("bodyBase64").GetBytesFromBase64());
    }

    [Fact]
    public async Task Replayed_dead_letters_are_back_on_their_channel()
    {
        var id = await DieAsync("bad");
        await DieAsync("worse");

        var one = await RunAsync("dead-letters", "replay", "tasks", id.ToString());
        var others = await RunAsync("dead-letters", "replay", "tasks", "--type", "worse", "--json");

        Assert.Equal("Replayed 1 dead letter of channel 'tasks'.", one.Line);
        Assert.Equal(1, others.Json.GetProperty("count").GetInt32());
        var status = Assert.Single(await Operator.ListChannelsAsync(TestContext.Current.CancellationToken));
        Assert.Equal((2, 0), (status.Ready, status.Dead));
    }

    [Fact]
    public async Task Purged_dead_letters_are_gone_and_the_others_are_not()
    {
        var id = await DieAsync("bad");
        await DieAsync("worse", DeadLetterReason.Unreadable);
        await DieAsync("worst");

        Assert.Equal(1, (await RunAsync("dead-letters", "purge", "tasks", "--reason", "Unreadable", "--json")).Json.GetProperty("count").GetInt32());
        Assert.Equal("Purged 1 dead letter of channel 'tasks'.", (await RunAsync("dead-letters", "purge", "tasks", id.ToString(), "--yes")).Line);
        var left = Assert.Single(await Operator.ListDeadLettersAsync("tasks", DeadLetterFilter.All, 10, TestContext.Current.CancellationToken));
        Assert.Equal("worst", left.Envelope.Message.Type);

        Assert.Equal(1, (await RunAsync("dead-letters", "purge", "tasks", "--all", "--json")).Json.GetProperty("count").GetInt32());
        Assert.Empty(await Operator.ListChannelsAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("replay", "--type", "worse")]
    [InlineData("purge", "--type", "worse")]
    [InlineData("replay", "--reason", "unreadable")]
    [InlineData("purge", "--reason", "unreadable")]
    public async Task Only_dead_letters_that_fit_are_replayed_or_purged(string command, string option, string value)
    {
        await DieAsync("bad");
        await DieAsync("worse", DeadLetterReason.Unreadable);

        var tool = await RunAsync("dead-letters", command, "tasks", option, value, "--json");

        Assert.Equal(1, tool.Json.GetProperty("count").GetInt32());
        var left = Assert.Single(await Operator.ListDeadLettersAsync("tasks", DeadLetterFilter.All, 10, TestContext.Current.CancellationToken));
        Assert.Equal("bad", left.Envelope.Message.Type);
    }

    [Theory]
    [InlineData("show")]
    [InlineData("replay")]
    [InlineData("purge")]
    public async Task A_dead_letter_that_there_is_not_is_one_sentence_and_exit_code_1(string command)
    {
        var id = MessageId.New(TimeProvider.System);

        var tool = await RunAsync("dead-letters", command, "tasks", id.ToString());

        tool.FailsWith(1, $"Channel 'tasks' has no dead letter {id}.");
    }

    [Fact]
    public async Task What_is_not_there_or_not_shown_is_remarked_beside_the_output()
    {
        var nothing = await RunAsync("channels");
        await DieAsync("bad");
        await DieAsync("worse");
        var some = await RunAsync("dead-letters", "list", "tasks", "--limit", "1");
        var all = await RunAsync("dead-letters", "list", "tasks");
        var none = await RunAsync("dead-letters", "list", "tasks", "--type", "worst");

        Assert.Equal(("", Promises(WorkQueueFeatures.FullStatus) ? "The channels hold nothing." : "No channel has ready messages or dead letters."), (nothing.Output, nothing.Error.Split('\n')[0]));
        Assert.Equal((true, false, "There may be more than these 1: see --limit."), (some.Output.Contains("bad", StringComparison.Ordinal), some.Output.Contains("worse", StringComparison.Ordinal), some.Error.Trim()));
        Assert.Equal((true, ""), (all.Output.Contains("worse", StringComparison.Ordinal), all.Error));
        Assert.Equal(("", "No dead letter of channel 'tasks' fits."), (none.Output, none.Error.Trim()));
    }

    private Task<RunnelTool> RunAsync(params string[] arguments) => RunnelTool.RunAsync([.. arguments, "--layer", Address]);

    private async Task<MessageId> DieAsync(string type, DeadLetterReason reason = DeadLetterReason.Rejected, string error = "It is no good.", string body = "null")
    {
        var message = new Message(type, Encoding.UTF8.GetBytes(body), new Dictionary<string, string> { ["origin"] = "test" });
        var id = await EnqueueAsync(message);
        await DeadLetterAsync(reason, error);
        return id;
    }

    private async Task DeadLetterAsync(DeadLetterReason reason, string error)
    {
        await using var lease = await _queue.OpenReceiverAsync(new ReceiverOptions());
        var received = Assert.Single(await lease.ReceiveAsync("tasks", 1));
        Assert.True(await lease.DeadLetterAsync(received, reason, error));
    }

    private async Task<MessageId> EnqueueAsync(Message message, string? key = null, TimeSpan age = default)
    {
        var envelope = new Envelope(message) { Id = MessageId.New(TimeProvider.System), Channel = "tasks", Key = key, SentAt = TimeProvider.System.GetUtcNow() - age };
        await _queue.EnqueueAsync("tasks", [envelope], EnqueueOptions.Default);
        return envelope.Id;
    }
}
