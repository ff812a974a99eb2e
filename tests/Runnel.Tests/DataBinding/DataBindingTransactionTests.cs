using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Npgsql;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.DataBinding;

/// <summary>What is sent when: on PostgreSQL, for saves, and for transactions that a context opens around them.</summary>
public sealed class DataBindingTransactionTests(PostgresServer server) : DataBindingOnPostgres(server)
{
    [Fact]
    public async Task A_save_is_sent_once_it_is_committed_with_the_key_of_the_store()
    {
        await Library.UseAsync(db => Add(db, "Emma"));

        Assert.Equal(["""books create book 1 {"title":"Emma"}"""], Library.Groups.Lines);
    }

    [Fact]
    public async Task A_thousand_rows_in_one_save_are_sent_in_the_order_of_adding()
    {
        var titles = Enumerable.Range(0, 1000).Select(number => $"{number}").ToArray();

        await Library.UseAsync(async db =>
        {
            await Add(db, "first, so that the context has places to use again", "and another", "and a third");
            Library.Groups.TakeLines();
            await Add(db, titles);
        });

        Assert.Equal(titles, Titles);
    }

    [Fact]
    public async Task A_save_that_theDatabase_refuses_sends_nothing()
    {
        await Library.UseAsync(async db =>
        {
            await Assert.ThrowsAsync<DbUpdateException>(() => Add(db, "Emma", "Emma"));
        });

        Assert.Empty(Library.Groups.Lines);
    }

    [Fact]
    public async Task A_save_that_is_cancelled_sends_nothing()
    {
        await Library.UseAsync(async db =>
        {
            db.Add(new Book { Title = "Emma" });
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => db.SaveChangesAsync(new CancellationToken(canceled: true)));
        });

        Assert.Empty(Library.Groups.Lines);
    }

    [Fact]
    public async Task A_save_that_another_interceptor_keeps_from_the_database_sends_nothing()
    {
        await using var library = new Library(options => options.UseNpgsql(Database).AddInterceptors(new Suppressing()), b => b.Bind<Book>("books", a => a.Fields(x => x.Title)));

        await library.UseAsync(db => Add(db, "never saved"));

        Assert.Empty(library.Groups.Lines);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Saves_in_a_transaction_are_sent_when_it_commits_and_not_before(bool asynchronous)
    {
        await Library.UseAsync(async db =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync();
            await Add(db, "one");
            await Add(db, "two");
            Assert.Empty(Library.Groups.Lines);

            if (asynchronous)
                await transaction.CommitAsync();
            else
                transaction.Commit();
        });

        Assert.Equal(["one", "two"], Titles);
    }

    [Fact]
    public async Task What_a_row_was_when_it_was_saved_is_what_is_sent()
    {
        await Library.UseAsync(async db =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync();
            var book = new Book { Title = "one" };
            db.Add(book);
            await db.SaveChangesAsync();
            book.Title = "two";
            await db.SaveChangesAsync();
            book.Title = "never saved";
            await transaction.CommitAsync();
        });

        Assert.Equal(["one", "two"], Titles);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_transaction_that_is_rolled_back_sends_nothing_and_leaves_nothing_for_the_next(bool byDisposal)
    {
        await Library.UseAsync(async db =>
        {
            await using (var transaction = await db.Database.BeginTransactionAsync())
            {
                await Add(db, "lost");
                if (!byDisposal)
                    await transaction.RollbackAsync();
            }

            // The same connection, and with Npgsql the same transaction object.
            db.ChangeTracker.Clear();
            await using (var transaction = await db.Database.BeginTransactionAsync())
            {
                await Add(db, "kept");
                await transaction.CommitAsync();
            }
        });

        Assert.Equal(["kept"], Titles);
        Assert.Empty(Library.Log.Lines);
    }

    [Fact]
    public async Task A_transaction_disposed_after_the_next_has_begun_takes_nothing_from_it()
    {
        await Library.UseAsync(async db =>
        {
            var first = await db.Database.BeginTransactionAsync();
            await Add(db, "one");
            await first.CommitAsync();
            var second = await db.Database.BeginTransactionAsync();
            await Add(db, "two");
            await first.DisposeAsync();
            await second.CommitAsync();
            await second.DisposeAsync();
        });

        Assert.Equal(["one", "two"], Titles);
    }

    [Fact]
    public async Task A_commit_that_fails_sends_nothing()
    {
        await Library.UseAsync(async db =>
        {
            await db.Database.ExecuteSqlRawAsync("""ALTER TABLE "Books" ADD CONSTRAINT late UNIQUE ("Shelf") DEFERRABLE INITIALLY DEFERRED""");
            await using var transaction = await db.Database.BeginTransactionAsync();
            await Add(db, "one", "two");
            await Assert.ThrowsAsync<PostgresException>(() => transaction.CommitAsync());
        });

        Assert.Empty(Library.Groups.Lines);
    }

    [Fact]
    public async Task An_update_that_lets_theDatabase_compute_a_bound_field_is_sent_with_what_it_computed()
    {
        await using var library = new Library(options => options.UseNpgsql(Database), b => b.Bind<Reader>("readers", a => a.Fields(x => x.FullName)));

        await library.UseAsync(async db =>
        {
            var reader = new Reader { Id = 1, First = "Jane", Last = "Fairfax" };
            db.Add(reader);
            await db.SaveChangesAsync();
            library.Groups.TakeLines();
            reader.Last = "Churchill";
            await db.SaveChangesAsync();
        });

        Assert.Equal(["""readers update reader 1 {"fullName":"Jane Churchill"}"""], library.Groups.Lines);
    }

    [Fact]
    public async Task A_failed_save_in_a_transaction_takes_back_only_itself()
    {
        await Library.UseAsync(async db =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync();
            await Add(db, "one");
            await transaction.CreateSavepointAsync("mine");
            await Add(db, "two");
            await Assert.ThrowsAsync<DbUpdateException>(() => Add(db, "one"));
            db.ChangeTracker.Clear();
            await Add(db, "three");
            await transaction.CommitAsync();
        });

        Assert.Equal(["one", "two", "three"], Titles);
    }

    [Fact]
    public async Task A_save_inside_a_retrying_strategy_is_sent_once()
    {
        await using var library = new Library(
            options => options.UseNpgsql(Database, npgsql => npgsql.EnableRetryOnFailure()),
            b => b.Bind<Book>("books", a => a.Fields(x => x.Title)));

        await library.UseAsync(async db =>
        {
            var attempts = 0;
            await db.Database.CreateExecutionStrategy().ExecuteAsync(async () =>
            {
                db.ChangeTracker.Clear();
                await using var transaction = await db.Database.BeginTransactionAsync();
                await Add(db, "one");
                if (attempts++ == 0)
                    throw new TimeoutException("A fault that passes.");
                await transaction.CommitAsync();
            });
        });

        Assert.Single(library.Groups.Lines);
    }

    private sealed class Suppressing : SaveChangesInterceptor
    {
        public override ValueTask<InterceptionResult<int>> SavingChangesAsync(DbContextEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(InterceptionResult<int>.SuppressWithResult(0));
    }
}
