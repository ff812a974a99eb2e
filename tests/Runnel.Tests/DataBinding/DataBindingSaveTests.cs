using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Layers;
using Xunit;

namespace Runnel.Tests.DataBinding;

/// <summary>Saves of every kind and of every kind of context, those that fail, and those whose changes cannot be sent; on a provider without transactions.</summary>
public sealed class DataBindingSaveTests
{
    [Fact]
    public async Task A_synchronous_save_sends_the_same()
    {
        await using var library = Library.InMemory(b => b.Bind<Book>("books", a => a.Fields(x => x.Title)));

        await library.UseAsync(db =>
        {
            db.Add(new Book { Title = "Emma" });
            db.SaveChanges();
            return Task.CompletedTask;
        });

        Assert.Equal(["""books create book 1 {"title":"Emma"}"""], library.Groups.Lines);
    }

    [Fact]
    public async Task A_thousand_rows_in_one_save_are_a_thousand_messages_in_order()
    {
        await using var library = Library.InMemory(b => b.Bind<Book>("books", a => a.Fields(x => x.Title)));

        await library.UseAsync(async db =>
        {
            // Twice on one context: it reuses the places of the first thousand for the second, last one first.
            for (var round = 0; round < 2; round++)
            {
                db.AddRange(Enumerable.Range(1, 1000).Select(number => new Book { Title = $"{round}-{number}" }));
                await db.SaveChangesAsync();
            }

            foreach (var book in db.Books)
                book.Title += "!";
            await db.SaveChangesAsync();
        });

        var expected = Enumerable.Range(0, 2).SelectMany(round => Enumerable.Range(1, 1000).Select(number => $"{round}-{number}")).ToArray();
        var titles = library.Groups.Messages.Select(message => message.GetProperty("data").GetProperty("title").GetString()!).ToArray();
        Assert.Equal([.. expected, .. expected.Select(title => title + "!")], titles);
    }

    [Fact]
    public async Task A_save_that_fails_sends_nothing_and_the_next_one_sends_its_own()
    {
        await using var library = Library.InMemory(b => b.Bind<Loan>("loans", a => a.AllFields()));
        await library.UseAsync(db => db.SaveNewAsync(new Loan { BookId = 1, ReaderId = 1 }));
        library.Groups.TakeLines();

        await library.UseAsync(async db =>
        {
            db.Add(new Loan { BookId = 2, ReaderId = 2 });
            db.Update(new Loan { BookId = 9, ReaderId = 9 });
            await Assert.ThrowsAsync<DbUpdateConcurrencyException>(() => db.SaveChangesAsync());
            Assert.Empty(library.Groups.Lines);

            db.ChangeTracker.Clear();
            await db.SaveNewAsync(new Loan { BookId = 3, ReaderId = 3 });
        });

        Assert.Equal("[3,3]", Assert.Single(library.Groups.Messages).GetProperty("pk").GetRawText());
    }

    [Fact]
    public async Task A_save_that_accepts_its_changes_later_sends_the_stored_key()
    {
        await using var library = Library.InMemory(b => b.Bind<Book>("books", a => a.Fields(x => x.Id)));

        await library.UseAsync(async db =>
        {
            db.Add(new Book { Title = "Emma" });
            await db.SaveChangesAsync(acceptAllChangesOnSuccess: false);
        });

        Assert.Equal(["""books create book 1 {"id":1}"""], library.Groups.Lines);
    }

    [Fact]
    public async Task When_a_group_cannot_be_reached_the_save_succeeds_and_the_loss_is_logged_and_counted()
    {
        await using var library = Library.InMemory(b => b.Bind<Book>("books", a => a.Fields(x => x.Title).Model("counted")));
        library.Groups.Fails = message => message.GetProperty("pk").GetInt32() == 2;
        using var failed = new CountedMeasurements(RunnelTelemetry.BindingFailed, "counted");
        using var sent = new CountedMeasurements(RunnelTelemetry.BindingSent, "counted");

        await library.UseAsync(async db =>
        {
            db.AddRange(new Book { Title = "1" }, new Book { Title = "2" }, new Book { Title = "3" });
            Assert.Equal(3, await db.SaveChangesAsync());
        });

        Assert.Equal([1, 3], library.Groups.Messages.Select(message => message.GetProperty("pk").GetInt32()));
        Assert.Equal(
            "Error 5001 The create of counted 2 is committed but could not be sent to group 'books': its members do not know of it.",
            Assert.Single(library.Log.Lines));
        Assert.Equal(1, failed.Total);
        Assert.Equal(2, sent.Total);
    }

    [Fact]
    public async Task A_mistake_in_a_group_function_does_not_fail_the_save()
    {
        await using var library = Library.InMemory(b => b.Bind<Book>(x => $"shelf {x.Shelf}", a => a.Fields(x => x.Title).Model("mistaken")));
        using var failed = new CountedMeasurements(RunnelTelemetry.BindingFailed, "mistaken");

        await library.UseAsync(async db =>
        {
            var book = new Book { Title = "Emma" };
            await db.SaveNewAsync(book);
            db.Remove(book);
            Assert.Equal(1, await db.SaveChangesAsync());
        });

        Assert.Empty(library.Groups.Lines);
        Assert.Equal(2, library.Log.Lines.Count);
        Assert.All(library.Log.Lines, entry => Assert.StartsWith("Error 5002", entry, StringComparison.Ordinal));
        Assert.Equal(2, failed.Total);
    }

    [Fact]
    public async Task Contexts_from_a_pool_used_at_the_same_time_do_not_meet()
    {
        var name = Guid.NewGuid().ToString();
        await using var library = new Library(
            _ => { },
            b => b.Bind<Book>("books", a => a.Fields(x => x.Title)),
            services => services.AddDbContextPool<LibraryContext>(options => options.UseInMemoryDatabase(name), poolSize: 4));

        await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            for (var number = 0; number < 50; number++)
                await library.UseAsync(db => db.SaveNewAsync(new Book { Title = $"{writer} {number:00}" }));
        })));

        var titles = library.Groups.Messages.Select(message => message.GetProperty("data").GetProperty("title").GetString()!).ToArray();
        Assert.Equal(400, titles.Distinct().Count());
        Assert.Equal(400, titles.Length);
        Assert.All(titles.GroupBy(title => title[0]), writer => Assert.Equal(writer.Order(), writer));
    }

    [Fact]
    public async Task A_context_from_a_factory_is_bound_as_well()
    {
        await using var library = new Library(
            _ => { },
            b => b.Bind<Book>("books", a => a.Fields(x => x.Title)),
            services => services.AddPooledDbContextFactory<LibraryContext>(options => options.UseInMemoryDatabase(Guid.NewGuid().ToString())));
        await library.StartAsync();

        await using var db = await library.Services.GetRequiredService<IDbContextFactory<LibraryContext>>().CreateDbContextAsync();
        await db.SaveNewAsync(new Book { Title = "Emma" });

        Assert.Single(library.Groups.Lines);
    }

    [Fact]
    public async Task Bindings_declared_in_two_places_add_up()
    {
        await using var library = new Library(
            _ => { },
            b => b.Bind<Book>("books", a => a.Fields(x => x.Title)),
            services =>
            {
                services.AddDbContext<LibraryContext>(options => options.UseInMemoryDatabase(Guid.NewGuid().ToString()));
                services.AddRunnelCore().AddDataBinding<LibraryContext>(b => b.Bind<Book>("more", a => a.Fields(x => x.Title)));
            });

        await library.UseAsync(db => db.SaveNewAsync(new Book { Title = "Emma" }));

        Assert.Equal(["""books create book 1 {"title":"Emma"}""", """more create book 1 {"title":"Emma"}"""], library.Groups.Lines);
    }
}
