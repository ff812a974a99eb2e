using System.Transactions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.DataBinding;

/// <summary>What is sent when: on PostgreSQL, for saves in a transaction that no context has opened, or not the one that saves.</summary>
public sealed class DataBindingOwnTransactionTests(PostgresServer server) : DataBindingOnPostgres(server)
{
    [Fact]
    public async Task A_transaction_of_the_application_s_own_that_is_committed_through_the_context_is_sent()
    {
        await using var connection = new NpgsqlConnection(Database);
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var db = OnConnection(connection);
        await db.Database.UseTransactionAsync(transaction);

        await Add(db, "one");
        Assert.Empty(Library.Groups.Lines);
        await db.Database.CommitTransactionAsync();

        Assert.Equal(["one"], Titles);
        Assert.Empty(Library.Log.Lines);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_transaction_of_the_application_s_own_that_is_rolled_back_through_the_context_leaves_nothing_for_the_next(bool asynchronous)
    {
        await using var connection = new NpgsqlConnection(Database);
        await connection.OpenAsync();
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using var db = OnConnection(connection);
            await db.Database.UseTransactionAsync(transaction);
            await Add(db, "lost");
            if (asynchronous)
                await db.Database.RollbackTransactionAsync();
            else
                db.Database.RollbackTransaction();
        }

        // With Npgsql the same transaction object.
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using var db = OnConnection(connection);
            await db.Database.UseTransactionAsync(transaction);
            await Add(db, "kept");
            await db.Database.CommitTransactionAsync();
        }

        Assert.Equal(["kept"], Titles);
        Assert.Empty(Library.Log.Lines);
    }

    [Fact]
    public async Task A_transaction_that_two_contexts_share_is_sent_in_the_order_of_their_saves()
    {
        await using var connection = new NpgsqlConnection(Database);
        await using var first = OnConnection(connection);
        await using var transaction = await first.Database.BeginTransactionAsync();
        await Add(first, "one");
        await using (var second = OnConnection(connection))
        {
            await second.Database.UseTransactionAsync(transaction.GetDbTransaction());
            await Add(second, "two");
        }

        await Add(first, "three");
        Assert.Empty(Library.Groups.Lines);
        await transaction.CommitAsync();

        Assert.Equal(["one", "two", "three"], Titles);
        Assert.Empty(Library.Log.Lines);
    }

    [Fact]
    public async Task A_transaction_that_the_context_does_not_see_end_is_told_of_and_nothing_is_sent()
    {
        await using var connection = new NpgsqlConnection(Database);
        await connection.OpenAsync();
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using (var db = OnConnection(connection))
            {
                await db.Database.UseTransactionAsync(transaction);
                await Add(db, "unseen");
            }

            await transaction.CommitAsync();
        }

        Assert.Empty(Library.Groups.Lines);
        Assert.StartsWith("Warning 5003 The create of book 1 was saved but not sent to group 'books': ", Assert.Single(Library.Log.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Saves_in_a_transaction_scope_are_sent_when_it_completes(bool complete)
    {
        using (var scope = new TransactionScope(TransactionScopeAsyncFlowOption.Enabled))
        {
            await Library.UseAsync(async db =>
            {
                await Add(db, "one");
                await Add(db, "two");
            });
            Assert.Empty(Library.Groups.Lines);
            if (complete)
                scope.Complete();
        }

        Assert.Equal(complete ? ["one", "two"] : [], Titles);
    }

    [Fact]
    public async Task Saves_of_a_context_that_was_enlisted_in_a_transaction_are_sent_when_that_commits()
    {
        using var enlisted = new CommittableTransaction();
        await Library.UseAsync(async db =>
        {
            await db.Database.OpenConnectionAsync();
            db.Database.EnlistTransaction(enlisted);
            await Add(db, "one");
            Assert.Empty(Library.Groups.Lines);
            enlisted.Commit();
        });

        Assert.Equal(["one"], Titles);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_transaction_that_was_disposed_of_leaves_nothing_for_one_of_the_application_s_own(bool asynchronously)
    {
        await using var connection = new NpgsqlConnection(Database);
        await connection.OpenAsync();
        await using var db = OnConnection(connection);
        var disposed = await db.Database.BeginTransactionAsync();
        await Add(db, "lost");
        if (asynchronously)
            await disposed.DisposeAsync();
        else
            disposed.Dispose();
        db.ChangeTracker.Clear();

        await using var transaction = await connection.BeginTransactionAsync(); // with Npgsql the same object
        await db.Database.UseTransactionAsync(transaction);
        await Add(db, "kept");
        await db.Database.CommitTransactionAsync();

        Assert.Equal(["kept"], Titles);
    }

    private LibraryContext OnConnection(NpgsqlConnection connection)
    {
        // As an application would: the registered options, on another connection.
        var registered = Library.Services.CreateScope().ServiceProvider.GetRequiredService<DbContextOptions<LibraryContext>>();
        return new LibraryContext(new DbContextOptionsBuilder<LibraryContext>(registered).UseNpgsql(connection).Options);
    }
}
