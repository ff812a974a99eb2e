using System.Diagnostics;

namespace Runnel.Sqlite.Files;

/// <summary>How much room the disk has, and how much of that is kept for the work that is stored already.</summary>
/// <remarks>
/// To handle a message takes room, too: what a worker changes goes into SQLite's log before it goes into the database. So new messages are refused
/// while there is still room for that, and workers can empty a database whose disk is full. The writer's thread only.
/// </remarks>
internal sealed class DiskRoom(Database database)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(100);

    private readonly Statement _freePages = database.Prepare(SqliteStatements.FreePages);
    private readonly long _logBytes = Volume.LogBytesFor(database.Path);
    private long _looked;
    private long _outside;
    private long _inside;

    /// <summary>Sees to it that there is room for new messages, beside the log that it takes to handle them.</summary>
    /// <exception cref="SqliteFailure">There is not.</exception>
    public void RequireForMessages(long bytes) => Require(bytes, kept: 2 * _logBytes);

    /// <summary>Sees to it that there is room for what is published. That goes by itself, so it may take more than messages.</summary>
    /// <exception cref="SqliteFailure">There is not.</exception>
    public void RequireForPublication(long bytes) => Require(bytes, kept: _logBytes);

    private void Require(long bytes, long kept)
    {
        if (Stopwatch.GetElapsedTime(_looked) > Fresh || !HasRoom(bytes, kept))
            Look();
        if (!HasRoom(bytes, kept))
            throw SqliteFailure.Refusal(database.Path, $"{_outside / 1024} KiB are free, and the last {kept / 1024} KiB are for the work that is stored already");
        _outside -= 2 * bytes; // in the log, and then in the database
    }

    private bool HasRoom(long bytes, long kept) => _outside >= (kept / 2) + bytes && _outside + _inside >= kept + (2 * bytes);

    private void Look()
    {
        _looked = Stopwatch.GetTimestamp();
        _outside = Volume.FreeBytesFor(database.Path) ?? long.MaxValue / 4;
        _inside = _freePages.ReadNumber()!.Value * Database.PageBytes;
    }
}
