using System.Diagnostics;
using System.Text;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Tests.Processes;
using Xunit;

namespace Runnel.Tests.Sqlite;

/// <summary>Processes that die: kill -9 of real ones.</summary>
public sealed class SqliteProcessTests : IAsyncDisposable
{
    private static readonly ChannelName Channel = "payments";

    private readonly SqliteFile _file = new(TimeProvider.System);

    public ValueTask DisposeAsync() => _file.DisposeAsync();

    [Fact]
    public async Task What_a_killed_process_held_is_with_another_one_at_once()
    {
        var queue = new SqliteWorkQueue(_file.Open());
        await queue.EnqueueAsync(Channel, Enumerable.Range(0, 100).Select(Of).ToArray(), EnqueueOptions.Default);
        await using var worker = WorkerProcess.Start("hold", _file.Path, Channel.Value, "100");
        await worker.SaysAsync("held");
        await using var lease = await queue.OpenReceiverAsync(new());
        var receiving = lease.ReceiveAsync(Channel, 100).AsTask();

        var began = Stopwatch.GetTimestamp();
        await worker.KillAsync();
        var received = await Wait.For(receiving, "the dead process's messages");

        var took = Stopwatch.GetElapsedTime(began);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"{i}"), received.Select(Text));
        Assert.All(received, message => Assert.Equal((0, 1), (message.Envelope.Attempt, message.Envelope.Crashes)));
        // On a quiet machine some 30 ms; the bound is one that only a fault meets.
        Assert.True(took < TimeSpan.FromSeconds(2), $"It took {took.TotalMilliseconds} ms.");
        await Wait.Until(() => Directory.GetFiles(_file.Path + ".bell", "*.lock").Length == 1, "the dead process's files are gone");
    }

    [Fact]
    public async Task Nothing_is_lost_however_often_workers_are_killed()
    {
        const int Count = 3000;
        var queue = new SqliteWorkQueue(_file.Open());
        HashSet<string> handled = [];
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < Count; i += 10)
                await queue.EnqueueAsync(Channel, Enumerable.Range(i, 10).Select(Of).ToArray(), EnqueueOptions.Default);
        });

        for (var kills = 0; kills < 3; kills++)
        {
            var worker = WorkerProcess.Start("work", _file.Path, Channel.Value);
            await Wait.Until(() => worker.Lines.Count > 200, "the worker is in the middle of it");
            await worker.DisposeAsync();
            handled.UnionWith(worker.Lines);
        }
        await Wait.For(sending, "all to be sent");
        await using (var last = WorkerProcess.Start("work", _file.Path, Channel.Value))
        {
            await Wait.Until(async () => (await queue.ListChannelsAsync()).Count == 0, "all is handled");
            await last.DisposeAsync();
            handled.UnionWith(last.Lines);
        }

        Assert.Empty(Enumerable.Range(0, Count).Select(i => $"{i}").Except(handled));
    }

    [Fact]
    public async Task Processes_that_begin_at_once_make_one_database()
    {
        var workers = Enumerable.Range(0, 3).Select(_ => WorkerProcess.Start("work", _file.Path, Channel.Value)).ToList();
        foreach (var worker in workers)
            await worker.SaysAsync("ready");
        var queue = new SqliteWorkQueue(_file.Open());

        await queue.EnqueueAsync(Channel, [Of(1)], EnqueueOptions.Default);

        await Wait.Until(() => workers.Any(worker => worker.Lines.Contains("1")), "one of them handled the message");
        foreach (var worker in workers)
            await worker.DisposeAsync();
    }

    [Fact]
    public async Task A_process_that_is_stopped_while_it_writes_is_named_and_nobody_waits_for_it_for_ever()
    {
        var store = _file.Open(options => options.OutageTimeout = TimeSpan.FromMilliseconds(500));
        var (queue, backplane) = (new SqliteWorkQueue(store), new SqliteBackplane(store));
        await using var lease = await queue.OpenReceiverAsync(new());
        await queue.EnqueueAsync(Channel, [Of(1)], EnqueueOptions.Default);
        var message = Assert.Single(await lease.ReceiveAsync(Channel, 1));
        await using var worker = WorkerProcess.Start("lock", _file.Path);
        await worker.SaysAsync("locked");
        await worker.StopAsync();

        var settling = lease.CompleteAsync(message).AsTask();
        var refused = await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(queue.EnqueueAsync(Channel, [Of(2)], EnqueueOptions.Default).AsTask(), "the refusal"));
        var unpublished = await Assert.ThrowsAsync<BackplaneUnavailableException>(() => Wait.For(backplane.PublishAsync(Topic.OfGroup("a"), default, null).AsTask(), "the refusal"));

        var name = $"process {worker.Id} (dotnet), which is stopped";
        Assert.All([refused.Message, unpublished.Message, Assert.Single(_file.Log.Of(3010)).Text], text => Assert.Contains(name, text, StringComparison.Ordinal));
        Assert.Equal((BackplaneState.Interrupted, false), (backplane.State, settling.IsCompleted));

        await worker.KillAsync();
        Assert.True(await Wait.For(settling, "the settlement"));
        Assert.Equal(1, await queue.EnqueueAsync(Channel, [Of(3)], EnqueueOptions.Default));
        await Wait.Until(() => backplane.State == BackplaneState.Connected, "the interruption is over");
    }

    [Fact]
    public async Task Where_locks_on_files_do_not_work_no_database_is_opened()
    {
        await using var worker = ChildProcess.Start(
            "Runnel.TestWorker.dll", ["work", _file.Path, Channel.Value], static start => start.Environment["DOTNET_SYSTEM_IO_DISABLEFILELOCKING"] = "1");

        var (code, output) = await worker.EndAsync();

        Assert.NotEqual(0, code);
        Assert.Contains("Locks on files do not work in", output, StringComparison.Ordinal);
        Assert.Contains("Put the SQLite database on a local disk", output, StringComparison.Ordinal);
    }

    private static Envelope Of(int number) => new(new Message("pay", Encoding.UTF8.GetBytes($"{number}"))) { Id = MessageId.New(TimeProvider.System) };

    private static string Text(ReceivedMessage message) => Encoding.UTF8.GetString(message.Envelope.Message.Body.Span);
}
