using System.Data.Common;
using Microsoft.EntityFrameworkCore;

namespace Articles;

public sealed class ArticlesContext(DbContextOptions<ArticlesContext> options) : DbContext(options)
{
    /// <summary>The most articles that are read at once: a body may have 20,000 characters, and anybody may ask.</summary>
    public const int MostOfAPage = 20;

    public DbSet<Article> Articles => Set<Article>();

    /// <summary>Newest first.</summary>
    public IQueryable<Article> Latest => Articles.AsNoTracking().OrderByDescending(article => article.Id);

    /// <summary>Those older than an article, newest first.</summary>
    public IQueryable<Article> Before(int id) => Latest.Where(article => article.Id < id);

    /// <summary>Takes PostgreSQL or a SQLite file, as the connection string says; a SQLite file beside the sample without one. A file is shared by the nodes of one machine.</summary>
    public static void UseDatabase(DbContextOptionsBuilder options, string? connectionString, string folder)
    {
        if (connectionString is not { Length: > 0 })
            options.UseSqlite($"Data Source={Path.Combine(folder, "articles.db")}");
        else if (connectionString.StartsWith("Data Source=", StringComparison.OrdinalIgnoreCase))
            options.UseSqlite(connectionString);
        else
            options.UseNpgsql(connectionString);
    }

    /// <summary>Creates the tables, if there are none.</summary>
    /// <remarks>Several nodes that start at the same moment may all find no tables. The database refuses all but the first; the others look again, and find the tables.</remarks>
    public async Task CreateTablesAsync()
    {
        const int Looks = 3; // the database itself may be new, too
        for (var look = 1; ; look++)
        {
            try
            {
                await Database.EnsureCreatedAsync();
                return;
            }
            catch (DbException) when (look < Looks)
            {
            }
        }
    }

    /// <summary>Saves, unless somebody else has deleted the article meanwhile.</summary>
    public async Task<bool> TrySaveAsync(CancellationToken cancellationToken)
    {
        try
        {
            await SaveChangesAsync(cancellationToken);
            return true;
        }
        catch (DbUpdateConcurrencyException)
        {
            return false;
        }
    }
}
