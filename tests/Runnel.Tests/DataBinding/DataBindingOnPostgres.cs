using Microsoft.EntityFrameworkCore;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.DataBinding;

/// <summary>A library on PostgreSQL, in a database of its own for each test, that sends the titles of its books.</summary>
public abstract class DataBindingOnPostgres(PostgresServer server) : IAsyncLifetime
{
    private protected Library Library { get; private set; } = null!;

    private protected string Database { get; private set; } = "";

    /// <summary>The titles that were sent.</summary>
    private protected string[] Titles => [.. Library.Groups.Messages.Select(message => message.GetProperty("data").GetProperty("title").GetString()!)];

    public async ValueTask InitializeAsync()
    {
        Database = await server.CreateDatabaseAsync();
        Library = new Library(options => options.UseNpgsql(Database), b => b.Bind<Book>("books", a => a.Fields(x => x.Title)));
        await Library.StartAsync();
        await Library.UseAsync(db => db.Database.EnsureCreatedAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await Library.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected static async Task Add(LibraryContext db, params string[] titles)
    {
        db.AddRange(titles.Select(title => new Book { Title = title }));
        await db.SaveChangesAsync();
    }
}
