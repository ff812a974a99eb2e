using Microsoft.Extensions.Logging;
using Runnel.Layers;

[assembly: LayerScheme("sqlite", typeof(Runnel.Sqlite.SqliteLayerFactory))]

namespace Runnel.Sqlite;

/// <summary>Makes the layer in a SQLite file: <c>sqlite:</c> and the file's path, such as <c>sqlite:work.db</c> or <c>sqlite:/var/lib/shop/work.db</c>.</summary>
public sealed class SqliteLayerFactory : ILayerFactory
{
    /// <summary>Opens the file, and makes it when it is not there. A relative path starts at the working directory.</summary>
    /// <inheritdoc/>
    /// <exception cref="IOException">The file cannot be opened or made; the message names it and says why.</exception>
    /// <exception cref="InvalidOperationException">The file was written by a newer version of Runnel, or is somebody else's database.</exception>
    public Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(loggers);
        var store = SqliteStore.Open(new SqliteOptions { Path = PathOf(address) }, timeProvider, loggers.CreateLogger<SqliteStore>());
        var queue = new SqliteWorkQueue(store);
        return new Layer
        {
            Backplane = new SqliteBackplane(store), WorkQueue = queue, Operator = queue, ProofOfLife = new SqliteProofOfLife(store), Owned = store, Identity = new StoreIdentity(store).ReadAsync,
        };
    }

    /// <summary>The file's path, as the address says it.</summary>
    /// <exception cref="FormatException">The address is not one of a file; the message says how to write it.</exception>
    public static string PathOf(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var path = address[(address.IndexOf(':', StringComparison.Ordinal) + 1)..];
        if (path.Trim().Trim('/').Length == 0)
            throw new FormatException($"'{address}' names no file: write the database's path behind the colon, such as sqlite:work.db.");
        if (path.StartsWith("//", StringComparison.Ordinal))
            throw new FormatException($"'{address}' is not how a SQLite file is addressed: write 'sqlite:{WithoutHost(path)}'.");
        if (path == ":memory:" || path.StartsWith("file:", StringComparison.OrdinalIgnoreCase))
            throw new FormatException($"'{address}' names no file of this layer: write the database's path behind the colon, such as sqlite:work.db, or 'memory:' for a layer in this process.");
        return path;
    }

    // In a URI two slashes begin the host, and a third one the path from the root.
    private static string WithoutHost(string path) => path.StartsWith("///", StringComparison.Ordinal) ? "/" + path.TrimStart('/') : path[2..];
}
