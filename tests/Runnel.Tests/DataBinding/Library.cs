using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Runnel.EntityFrameworkCore;
using Runnel.Tests.Recording;

namespace Runnel.Tests.DataBinding;

internal class Book
{
    public int Id { get; set; }

    public string Title { get; set; } = "";

    public string Shelf { get; set; } = "a";

    public string? Note { get; set; }

    public int Length => Title.Length;
}

internal sealed class Comic : Book
{
    public string Artist { get; set; } = "";
}

internal sealed class Loan
{
    public int BookId { get; set; }

    public int ReaderId { get; set; }

    public DateOnly Until { get; set; }
}

internal sealed class Reader
{
    public int Id { get; set; }

    public string First { get; set; } = "";

    public string Last { get; set; } = "";

    public string FullName { get; set; } = "";
}

internal sealed class Unbound
{
    public int Id { get; set; }
}

internal sealed class LibraryContext(DbContextOptions<LibraryContext> options) : DbContext(options)
{
    public DbSet<Book> Books => Set<Book>();

    public DbSet<Loan> Loans => Set<Loan>();

    public DbSet<Reader> Readers => Set<Reader>();

    public DbSet<Unbound> Unbounds => Set<Unbound>();

    /// <summary>Adds one more row, and saves.</summary>
    public Task SaveNewAsync(object entity)
    {
        Add(entity);
        return SaveChangesAsync();
    }

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<Comic>();
        modelBuilder.Entity<Loan>().HasKey(loan => new { loan.BookId, loan.ReaderId });
        modelBuilder.Entity<Book>().HasIndex(book => book.Title).IsUnique();
        modelBuilder.Entity<Reader>().Property(reader => reader.FullName).HasComputedColumnSql(""" "First" || ' ' || "Last" """, stored: true);
    }
}

/// <summary>An application with a library, its bindings, and groups that record.</summary>
internal sealed class Library : IAsyncDisposable
{
    private readonly IHost _host;
    private bool _isStarted;

    public Library(
        Action<DbContextOptionsBuilder> database,
        Action<DataBindingBuilder<LibraryContext>> bind,
        Action<IServiceCollection>? configure = null,
        TimeSpan? maxSaveDelay = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(Log);
        if (configure is null)
            builder.Services.AddDbContext<LibraryContext>(database);
        builder.Services.AddRunnelCore().AddDataBinding(bind).ConfigureDataBinding(options => options.MaxSaveDelay = maxSaveDelay ?? options.MaxSaveDelay);
        builder.Services.AddSingleton<IGroups>(Groups);
        configure?.Invoke(builder.Services);
        _host = builder.Build();
    }

    /// <summary>One whose database is in memory, which knows no transactions.</summary>
    public static Library InMemory(Action<DataBindingBuilder<LibraryContext>> bind)
    {
        var name = Guid.NewGuid().ToString();
        return new Library(options => options.UseInMemoryDatabase(name), bind);
    }

    public RecordingGroups Groups { get; } = new();

    public RecordedLog Log { get; } = new("Runnel.EntityFrameworkCore");

    public IServiceProvider Services => _host.Services;

    public async Task StartAsync()
    {
        await _host.StartAsync();
        _isStarted = true;
    }

    public async Task UseAsync(Func<LibraryContext, Task> use)
    {
        await using var scope = Services.CreateAsyncScope();
        await use(scope.ServiceProvider.GetRequiredService<LibraryContext>());
    }

    public async ValueTask DisposeAsync()
    {
        if (_isStarted)
            await _host.StopAsync();
        _host.Dispose();
    }
}
