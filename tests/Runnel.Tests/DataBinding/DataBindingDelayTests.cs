using Microsoft.EntityFrameworkCore;
using Runnel.EntityFrameworkCore;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.DataBinding;

/// <summary>How long a save waits for a layer that does not answer.</summary>
public sealed class DataBindingDelayTests(PostgresServer server)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_layer_that_does_not_answer_holds_up_a_save_and_a_commit_only_for_so_long_and_gets_the_changes_in_their_order(bool synchronously)
    {
        var database = await server.CreateDatabaseAsync();
        await using var library = new Library(
            options => options.UseNpgsql(database), b => b.Bind<Book>("books", a => a.Fields(x => x.Title)), maxSaveDelay: TimeSpan.FromMilliseconds(50));
        await library.StartAsync();
        await library.UseAsync(db => db.Database.EnsureCreatedAsync());
        var answer = new TaskCompletionSource();
        library.Groups.Answer = answer.Task;

        await library.UseAsync(async db =>
        {
            db.AddRange(new Book { Title = "1" }, new Book { Title = "2" });
            Assert.Equal(2, synchronously ? db.SaveChanges() : await Wait.For(db.SaveChangesAsync(), "the save"));
            await using var transaction = await db.Database.BeginTransactionAsync();
            db.Add(new Book { Title = "3" });
            await db.SaveChangesAsync();
            if (synchronously)
                transaction.Commit();
            else
                await Wait.For(transaction.CommitAsync(), "the commit");
        });

        Assert.Equal(["1", "2", "3"], library.Groups.Messages.Select(message => message.GetProperty("data").GetProperty("title").GetString()));
        Assert.Equal(2, library.Log.Lines.Count(entry => entry.StartsWith("Warning 5004", StringComparison.Ordinal)));
        answer.SetException(new IOException("The layer is away."));
        await Wait.Until(() => library.Log.Lines.Count(entry => entry.StartsWith("Error 5001", StringComparison.Ordinal)) == 3, "what could not be sent is logged");
    }

    [Fact]
    public async Task An_application_that_waits_for_nothing_is_not_warned_that_it_did_not_wait()
    {
        var database = await server.CreateDatabaseAsync();
        await using var library = new Library(
            options => options.UseNpgsql(database), b => b.Bind<Book>("books", a => a.Fields(x => x.Title)), maxSaveDelay: TimeSpan.Zero);
        await library.StartAsync();
        await library.UseAsync(db => db.Database.EnsureCreatedAsync());
        var answer = new TaskCompletionSource();
        library.Groups.Answer = answer.Task;

        await library.UseAsync(async db =>
        {
            db.Add(new Book { Title = "1" });
            await Wait.For(db.SaveChangesAsync(), "the save");
        });

        Assert.Equal("1", Assert.Single(library.Groups.Messages).GetProperty("data").GetProperty("title").GetString());
        Assert.DoesNotContain(library.Log.Lines, entry => entry.StartsWith("Warning 5004", StringComparison.Ordinal));
        answer.SetResult();
    }

    [Fact]
    public void A_save_is_held_up_for_a_second_at_most_unless_the_application_says_otherwise() =>
        Assert.Equal(TimeSpan.FromSeconds(1), new DataBindingOptions().MaxSaveDelay);
}
