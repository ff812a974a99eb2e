using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.DataBinding;

/// <summary>What is sent of a transaction that was rolled back to a savepoint.</summary>
public sealed class DataBindingSavepointTests(PostgresServer server) : DataBindingOnPostgres(server)
{
    [Fact]
    public async Task What_a_savepoint_takes_back_is_not_sent()
    {
        await Library.UseAsync(async db =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync();
            await Add(db, "before");
            await transaction.CreateSavepointAsync("here");
            await Add(db, "lost");
            await transaction.RollbackToSavepointAsync("here");
            db.ChangeTracker.Clear();
            await Add(db, "after");
            await transaction.CommitAsync();
        });

        Assert.Equal(["before", "after"], Titles);
        Assert.Empty(Library.Log.Lines);
    }

    [Fact]
    public async Task A_savepoint_takes_back_again_what_was_saved_after_it_took_back()
    {
        await Library.UseAsync(async db =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync();
            await Add(db, "before");
            await transaction.CreateSavepointAsync("here");
            for (var attempt = 1; attempt <= 2; attempt++)
            {
                await Add(db, $"lost {attempt}");
                await transaction.RollbackToSavepointAsync("here");
                db.ChangeTracker.Clear();
            }

            await transaction.CommitAsync();
        });

        Assert.Equal(["before"], Titles);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_savepoint_after_a_failed_save_counts_also_when_the_provider_does_not_name_it(bool asynchronous)
    {
        // A provider that brings its own transactions leaves no place for ours, which know the savepoints' names.
        await using var library = new Library(
            _ => { },
            b => b.Bind<Book>("books", a => a.Fields(x => x.Title)),
            services => services.AddDbContext<LibraryContext>(options => options
                .UseNpgsql(Database)
                .ReplaceService<IRelationalTransactionFactory, RelationalTransactionFactory, RelationalTransactionFactory>()));

        await library.UseAsync(async db =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync();
            db.AddRange(new Book { Title = "twice" }, new Book { Title = "twice" });
            if (asynchronous)
                await Assert.ThrowsAsync<DbUpdateException>(() => db.SaveChangesAsync());
            else
                Assert.Throws<DbUpdateException>(() => db.SaveChanges());
            db.ChangeTracker.Clear();
            await transaction.CreateSavepointAsync("here");
            await Add(db, "lost");
            await transaction.RollbackToSavepointAsync("here");
            await transaction.CommitAsync();
        });

        Assert.Empty(library.Groups.Lines);
    }

    [Fact]
    public async Task Of_several_savepoints_the_named_one_counts()
    {
        await Library.UseAsync(async db =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync();
            await Add(db, "1");
            await transaction.CreateSavepointAsync("outer");
            await Add(db, "2");
            transaction.CreateSavepoint("inner");
            await Add(db, "lost with inner");
            transaction.RollbackToSavepoint("inner");
            db.ChangeTracker.Clear();
            await Add(db, "3");
            await transaction.CreateSavepointAsync("released");
            await Add(db, "4");
            await transaction.ReleaseSavepointAsync("released");
            Assert.Empty(Library.Groups.Lines);
            await transaction.CommitAsync();
        });
        Assert.Equal(["1", "2", "3", "4"], Titles);
        Library.Groups.TakeLines();

        await Library.UseAsync(async db =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync();
            await Add(db, "5");
            await transaction.CreateSavepointAsync("outer");
            await Add(db, "lost with outer");
            await transaction.CreateSavepointAsync("inner");
            await Add(db, "this too");
            await transaction.RollbackToSavepointAsync("outer");
            await transaction.CommitAsync();
        });

        Assert.Equal(["5"], Titles);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_savepoints_of_one_name_the_latest_counts_and_when_that_is_released_the_one_before(bool asynchronously)
    {
        await Library.UseAsync(async db =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync();
            await Add(db, "1");
            await transaction.CreateSavepointAsync("here");
            await Add(db, "2");
            await transaction.CreateSavepointAsync("here");
            await Add(db, "lost with the second");
            await transaction.RollbackToSavepointAsync("here");
            db.ChangeTracker.Clear();
            await transaction.CommitAsync();
        });
        Assert.Equal(["1", "2"], Titles);
        Library.Groups.TakeLines();

        await Library.UseAsync(async db =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync();
            await Add(db, "3");
            await transaction.CreateSavepointAsync("here");
            await Add(db, "lost with the first");
            await transaction.CreateSavepointAsync("here");
            await Add(db, "this too");
            if (asynchronously)
                await transaction.ReleaseSavepointAsync("here");
            else
                transaction.ReleaseSavepoint("here");
            await transaction.RollbackToSavepointAsync("here");
            await transaction.CommitAsync();
        });

        Assert.Equal(["3"], Titles);
    }
}
