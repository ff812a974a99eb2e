using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Runnel.Sqlite;

// hold DATABASE CHANNEL COUNT: takes so many messages, says "held", and keeps them until it is killed.
// work DATABASE CHANNEL: handles messages one after another; says each one's text when it begins with it.
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

static void Say(string text)
{
    Console.Out.WriteLine(text);
    Console.Out.Flush();
}
