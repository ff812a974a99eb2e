using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Runnel.EntityFrameworkCore;

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

internal sealed class Unbound
{
    public int Id { get; set; }
}

internal sealed class LibraryContext(DbContextOptions<LibraryContext> options) : DbContext(options)
{
    public DbSet<Book> Books => Set<Book>();

    public DbSet<Loan> Loans => Set<Loan>();

    public DbSet<Unbound> Unbounds => Set<Unbound>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<Comic>();
        modelBuilder.Entity<Loan>().HasKey(loan => new { loan.BookId, loan.ReaderId });
        modelBuilder.Entity<Book>().HasIndex(book => book.Title).IsUnique();
    }
}

/// <summary>An application with a library, its bindings, and groups that record.</summary>
internal sealed class Library : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    public Library(
        Action<DbContextOptionsBuilder> database,
        Action<DataBindingBuilder<LibraryContext>> bind,
        Action<IServiceCollection>? configure = null)
    {
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.AddProvider(Log));
        services.AddRunnel().AddDataBinding(bind);
        services.AddSingleton<IGroups>(Groups);
        if (configure is null)
            services.AddDbContext<LibraryContext>(database);
        configure?.Invoke(services);
        _services = services.BuildServiceProvider(validateScopes: true);
    }

    public RecordingGroups Groups { get; } = new();

    public RecordingLog Log { get; } = new();

    public IServiceProvider Services => _services;

    /// <summary>Starts what the host would start.</summary>
    public async Task StartAsync()
    {
        foreach (var service in _services.GetServices<IHostedService>().Where(service => service.GetType().Assembly == typeof(DataBindingBuilder<>).Assembly))
            await service.StartAsync(CancellationToken.None);
    }

    public async Task UseAsync(Func<LibraryContext, Task> use)
    {
        await using var scope = _services.CreateAsyncScope();
        await use(scope.ServiceProvider.GetRequiredService<LibraryContext>());
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}

/// <summary>Keeps the binding's log entries.</summary>
internal sealed class RecordingLog : ILoggerProvider, ILogger
{
    private readonly Lock _lock = new();
    private readonly List<string> _entries = [];

    public string[] Entries
    {
        get
        {
            lock (_lock)
                return [.. _entries];
        }
    }

    public ILogger CreateLogger(string categoryName) =>
        categoryName.StartsWith("Runnel.EntityFrameworkCore", StringComparison.Ordinal) ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lock)
            _entries.Add($"{logLevel} {eventId.Id} {formatter(state, exception)}");
    }

    public void Dispose()
    {
    }
}
