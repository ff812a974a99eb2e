using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Sqlite;

// hold DATABASE CHANNEL COUNT: takes so many messages, says "held", and keeps them until it is killed.
// work DATABASE CHANNEL: handles messages one after another; says each one's text when it begins with it.
// keep ADDRESS CHANNEL SECONDS: takes a message from RabbitMQ, says "held", keeps every thread of the pool busy for so long, and says "over". At the end of its input it completes
//   the message, and says "completed" with the answer. Its heartbeat is one second.
// lock DATABASE: begins to write, says "locked", and does not go on until it is killed.
var (mode, path) = (args[0], args[1]);
if (mode == "lock")
{
    SQLitePCL.Batteries_V2.Init();
    SQLitePCL.raw.sqlite3_open(path, out var database);
    while (SQLitePCL.raw.sqlite3_exec(database, "BEGIN IMMEDIATE") != SQLitePCL.raw.SQLITE_OK)
        Thread.Yield();
    Say("locked");
    await Console.In.ReadLineAsync();
    return;
}

var channel = args[2];
if (mode == "keep")
{
    await KeepAsync();
    return;
}
await using var store = SqliteStore.Open(new SqliteOptions { Path = path }, TimeProvider.System, NullLogger<SqliteStore>.Instance);
await using var lease = await new SqliteWorkQueue(store).OpenReceiverAsync(new ReceiverOptions());

if (mode == "hold")
{
    for (var left = int.Parse(args[3], System.Globalization.CultureInfo.InvariantCulture); left > 0;)
        left -= (await lease.ReceiveAsync(channel, left)).Count;
    Say("held");
    await Console.In.ReadLineAsync(); // for ever, or until the test is gone
    return;
}

Say("ready");
while (true)
{
    foreach (var message in await lease.ReceiveAsync(channel, 10))
    {
        Say(System.Text.Encoding.UTF8.GetString(message.Envelope.Message.Body.Span));
        await lease.CompleteAsync(message);
    }
}

async Task KeepAsync()
{
    await using var broker = new RabbitMQBroker(new() { Host = path, Heartbeat = TimeSpan.FromSeconds(1) }, TimeProvider.System, NullLogger<RabbitMQBroker>.Instance);
    await using var queue = new RabbitMQWorkQueue(broker);
    await using var worker = await queue.OpenReceiverAsync(new ReceiverOptions());
    var held = (await worker.ReceiveAsync(channel, 1))[0];
    Say("held");
    KeepThreadsBusy(TimeSpan.FromSeconds(int.Parse(args[3], System.Globalization.CultureInfo.InvariantCulture)));
    Say("over");
    await Console.In.ReadToEndAsync();
    Say($"completed {await worker.CompleteAsync(held)}");
}

// As handlers do that block. The thread that calls this is one of the pool.
static void KeepThreadsBusy(TimeSpan time)
{
    using var end = new ManualResetEvent(false);
    var threads = Environment.ProcessorCount;
    ThreadPool.SetMinThreads(threads, threads);
    ThreadPool.SetMaxThreads(threads, threads);
    using var busy = new CountdownEvent(threads - 1);
    using var free = new CountdownEvent(threads - 1);
    for (var i = 1; i < threads; i++)
    {
        ThreadPool.UnsafeQueueUserWorkItem(
            _ =>
            {
                busy.Signal();
                end.WaitOne();
                free.Signal();
            },
            null);
    }
    busy.Wait();
    end.WaitOne(time);
    end.Set();
    free.Wait();
}

static void Say(string text)
{
    Console.Out.WriteLine(text);
    Console.Out.Flush();
}
