using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Articles;

public sealed class ArticlesContext(DbContextOptions<ArticlesContext> options) : DbContext(options)
{
    public DbSet<Article> Articles => Set<Article>();

    /// <summary>Newest first.</summary>
    public IQueryable<Article> Latest => Articles.AsNoTracking().OrderByDescending(article => article.Id);

    /// <summary>Creates the tables, if there are none.</summary>
    /// <remarks>Nodes that start at the same moment see none, all of them. To whoever comes second the database complains, and who looks again finds them.</remarks>
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
            catch (PostgresException) when (look < Looks)
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
