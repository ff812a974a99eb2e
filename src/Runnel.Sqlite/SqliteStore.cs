using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.Layers;
using Runnel.Sqlite.Files;
using Runnel.Sqlite.Tables;
using Runnel.Sqlite.Writing;

namespace Runnel.Sqlite;

/// <summary>The file that a <see cref="SqliteWorkQueue"/> and a <see cref="SqliteBackplane"/> share, opened for this process.</summary>
/// <remarks>
/// <para>
/// Several processes of one machine work on one file. One thread per process writes, one transaction after the other, each with everything that
/// was asked for meanwhile; a call that stores something returns when its transaction is on disk. Other processes are told by a datagram to look.
/// </para>
/// <para>
/// What a process's workers hold is theirs for as long as the process lives, which others see by a lock that the operating system
/// keeps: when it dies, however it dies, its messages are with other workers within some 50 ms. A process that is stopped (SIGSTOP, a debugger)
/// lives, and keeps what it holds. One that is stopped in the middle of a transaction keeps all others from writing until it goes on or is killed: they log
/// which process it is, and what they send fails after <see cref="SqliteOptions.OutageTimeout"/>.
/// </para>
/// <para>
/// The file does not shrink by itself: what is deleted is room for what comes. When the disk is nearly full, new messages are refused, and the rest of
/// the room (at most 32 MiB) is left to the workers, who make more. What they have finished when nothing can be written is settled as soon as it can. Thread-safe.
/// </para>
/// </remarks>
public sealed class SqliteStore : IAsyncDisposable
{
    private readonly StoreReader _reader;
    private readonly Database _database;
    private int _disposed;

    private SqliteStore(Database database, StoreReader reader, StoreWriter writer, TimeProvider timeProvider, ILogger logger)
    {
        _database = database;
        _reader = reader;
        Writer = writer;
        TimeProvider = timeProvider;
        Logger = logger;
    }

    /// <summary>The full path of the database file.</summary>
    public string Path => _database.Path;

    internal TimeProvider TimeProvider { get; }

    internal ILogger Logger { get; }

    internal StoreWriter Writer { get; }

    internal StoreReader Reader => _disposed == 0 ? _reader : throw new ObjectDisposedException(nameof(SqliteStore));

    internal long Now => TimeProvider.GetUtcNow().UtcTicks;

    /// <summary>Opens the file, and makes it when it is not there.</summary>
    /// <exception cref="OptionsValidationException">An option is out of its range.</exception>
    /// <exception cref="IOException">The file cannot be opened or made; the message names it and says why.</exception>
    /// <exception cref="InvalidOperationException">The file was written by a newer version of Runnel, or is somebody else's database.</exception>
    public static SqliteStore Open(SqliteOptions options, TimeProvider timeProvider, ILogger<SqliteStore> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(timeProvider);
        ArgumentNullException.ThrowIfNull(logger);
        OptionsCheck.ThrowIfInvalid(options);
        var path = System.IO.Path.GetFullPath(options.Path);
        var database = Database.OpenForWriting(path, options.Synchronous);
        StoreReader? reader = null;
        try
        {
            reader = new StoreReader(Database.OpenForReading(path));
            var writer = new StoreWriter(database, reader, options, timeProvider, logger);
            Log.Opened(logger, path, writer.Neighbours.Self.Name);
            return new SqliteStore(database, reader, writer, timeProvider, logger);
        }
        catch
        {
            reader?.Dispose();
            database.Dispose();
            throw;
        }
    }

    /// <summary>Finishes what was begun, hands back what this process's workers hold, and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await Writer.StopAsync().ConfigureAwait(false);
        await CloseAsync().ConfigureAwait(false);
        var node = Writer.Neighbours.Self.Name;
        Writer.Neighbours.DeleteFilesOf(node);
    }

    /// <summary>For tests: what remains of this process if it is killed now. Its claims and files stay, its lock does not.</summary>
    internal async Task CrashAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await Writer.KillAsync().ConfigureAwait(false);
        await CloseAsync().ConfigureAwait(false);
    }

    /// <summary>Has the writer do something.</summary>
    /// <exception cref="ObjectDisposedException">The store is closed.</exception>
    internal void Post(StoreWork work) => ObjectDisposedException.ThrowIf(!Writer.TryPost(work), this);

    internal Task<T> RunAsync<T>(Func<StoreTransaction, T> act) => RunAsync(StoreWork.Of(act));

    /// <summary>Has the writer tell the other processes something of this one, which need not outlive a power cut.</summary>
    internal Task<T> RunPassingAsync<T>(Func<StoreTransaction, T> act) => RunAsync(StoreWork.Of(act, isPassing: true));

    /// <summary>Has the writer do something that must not get lost: when it fails, the caller is told so, and it is tried again.</summary>
    internal Task<T> RunCertainlyAsync<T>(Func<StoreTransaction, T> act) => RunAsync(StoreWork.OfCertain(act));

    internal LeaseState AddLease()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return Writer.Leases.Add(Writer.Neighbours.Self);
    }

    private Task<T> RunAsync<T>(StoreWork<T> work)
    {
        Post(work);
        return work.Task;
    }

    private async Task CloseAsync()
    {
        Writer.Leases.LoseAll();
        await Writer.Deliveries.StopAsync().ConfigureAwait(false);
        _reader.Dispose();
        _database.Dispose();
        await Writer.Neighbours.LeaveAsync().ConfigureAwait(false);
    }
}
