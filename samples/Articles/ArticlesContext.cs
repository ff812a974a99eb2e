using Microsoft.EntityFrameworkCore;

namespace Articles;

public sealed class ArticlesContext(DbContextOptions<ArticlesContext> options) : DbContext(options)
{
    public DbSet<Article> Articles => Set<Article>();

    /// <summary>Newest first.</summary>
    public IQueryable<Article> Latest => Articles.AsNoTracking().OrderByDescending(article => article.Id);

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
