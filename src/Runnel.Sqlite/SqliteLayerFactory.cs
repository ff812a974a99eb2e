using Microsoft.Extensions.Logging;
using Runnel.Layers;

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
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(loggers);
        var path = address[(address.IndexOf(':', StringComparison.Ordinal) + 1)..];
        if (string.IsNullOrWhiteSpace(path))
            throw new FormatException($"'{address}' names no file: write the database's path behind the colon, such as sqlite:work.db.");
        var store = SqliteStore.Open(new SqliteOptions { Path = path }, timeProvider, loggers.CreateLogger<SqliteStore>());
        return new Layer(new SqliteBackplane(store), new SqliteWorkQueue(store), store);
    }
}
