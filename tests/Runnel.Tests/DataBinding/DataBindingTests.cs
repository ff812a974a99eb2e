using Microsoft.EntityFrameworkCore;
using Runnel.Layers;
using Xunit;

namespace Runnel.Tests.DataBinding;

/// <summary>What is sent of each row, and to which groups; on a provider without transactions, where every save is a commit.</summary>
public sealed class DataBindingTests
{
    [Fact]
    public async Task A_create_an_update_and_a_delete_reach_the_group_in_the_application_s_JSON()
    {
        await using var library = Library.InMemory(b => b.Bind<Book>("books", a => a.Fields(x => x.Id, x => x.Title)));

        await library.UseAsync(async db =>
        {
            var book = new Book { Title = "Emma", Note = "not bound" };
            db.Add(book);
            await db.SaveChangesAsync();
            book.Title = "Emma, again";
            await db.SaveChangesAsync();
            db.Remove(book);
            await db.SaveChangesAsync();
        });

        Assert.Equal(
            [
                """books create book 1 {"id":1,"title":"Emma"}""",
                """books update book 1 {"id":1,"title":"Emma, again"}""",
                """books delete book 1 {"id":1,"title":"Emma, again"}""",
            ],
            library.Groups.Lines);
    }

    [Fact]
    public async Task A_save_sends_deletes_then_updates_then_creates()
    {
        await using var library = Library.InMemory(b => b.Bind<Book>("books", a => a.Fields(x => x.Title)));

        await library.UseAsync(async db =>
        {
            db.AddRange(new Book { Id = 7, Title = "seven" }, new Book { Id = 8, Title = "eight" });
            await db.SaveChangesAsync();
            library.Groups.TakeLines();

            db.Add(new Book { Id = 1, Title = "one" });
            db.Books.Local.Single(book => book.Id == 8).Title = "eight!";
            db.Remove(db.Books.Local.Single(book => book.Id == 7));
            await db.SaveChangesAsync();
        });

        Assert.Equal(["delete 7", "update 8", "create 1"], library.Groups.Messages.Select(message => $"{message.GetProperty("action")} {message.GetProperty("pk")}"));
    }

    [Fact]
    public async Task An_update_that_writes_no_bound_field_sends_nothing()
    {
        await using var library = Library.InMemory(b => b.Bind<Book>("books", a => a.Fields(x => x.Title)));

        await library.UseAsync(async db =>
        {
            var book = new Book { Title = "Emma" };
            db.AddRange(book, new Unbound());
            await db.SaveChangesAsync();
            library.Groups.TakeLines();

            book.Note = "only this";
            await db.SaveChangesAsync();
            Assert.Empty(library.Groups.Lines);

            book.Title = book.Title + "";
            await db.SaveChangesAsync();
            Assert.Empty(library.Groups.Lines);
        });
    }

    [Fact]
    public async Task An_entity_that_is_attached_as_updated_is_sent()
    {
        await using var library = Library.InMemory(b => b.Bind<Book>("books", a => a.Fields(x => x.Title)));
        await library.UseAsync(db => db.SaveNewAsync(new Book { Title = "Emma" }));
        library.Groups.TakeLines();

        await library.UseAsync(async db =>
        {
            db.Update(new Book { Id = 1, Title = "From a form" });
            await db.SaveChangesAsync();
        });

        Assert.Equal(["""books update book 1 {"title":"From a form"}"""], library.Groups.Lines);
    }

    [Fact]
    public async Task A_delete_carries_the_values_that_the_database_had()
    {
        await using var library = Library.InMemory(b => b.Bind<Book>(x => $"shelf.{x.Shelf}", a => a.Fields(x => x.Title)));

        await library.UseAsync(async db =>
        {
            var book = new Book { Title = "Emma", Shelf = "a" };
            await db.SaveNewAsync(book);
            library.Groups.TakeLines();
            (book.Title, book.Shelf) = ("never saved", "b");
            db.Remove(book);
            await db.SaveChangesAsync();
        });

        Assert.Equal(["""shelf.a delete book 1 {"title":"Emma"}"""], library.Groups.Lines);
    }

    [Fact]
    public async Task A_row_that_moves_is_deleted_where_it_left_updated_where_it_stayed_and_created_where_it_came()
    {
        await using var library = Library.InMemory(b => b.Bind<Book>(x => x.Shelf.Select(shelf => new GroupName($"shelf.{shelf}")), a => a.Fields(x => x.Title, x => x.Shelf)));

        await library.UseAsync(async db =>
        {
            var book = new Book { Title = "Emma", Shelf = "aab" }; // a group that is named twice gets one message
            await db.SaveNewAsync(book);
            library.Groups.TakeLines();
            book.Shelf = "bbcc";
            await db.SaveChangesAsync();
        });

        Assert.Equal(
            [
                """shelf.a delete book 1 {"title":"Emma","shelf":"aab"}""",
                """shelf.b update book 1 {"title":"Emma","shelf":"bbcc"}""",
                """shelf.c create book 1 {"title":"Emma","shelf":"bbcc"}""",
            ],
            library.Groups.Lines);
    }

    [Fact]
    public async Task A_row_that_moves_is_sent_even_if_no_bound_field_changed()
    {
        await using var library = Library.InMemory(b => b.Bind<Book>(x => [$"shelf.{x.Shelf}", "all"], a => a.Fields(x => x.Title)));

        await library.UseAsync(async db =>
        {
            var book = new Book { Title = "Emma", Shelf = "a" };
            await db.SaveNewAsync(book);
            library.Groups.TakeLines();
            book.Shelf = "b";
            await db.SaveChangesAsync();
        });

        Assert.Equal(
            ["""shelf.a delete book 1 {"title":"Emma"}""", """shelf.b create book 1 {"title":"Emma"}"""],
            library.Groups.Lines);
    }

    [Fact]
    public async Task Excluded_fields_are_left_out_and_all_fields_means_all()
    {
        await using var library = Library.InMemory(b => b
            .Bind<Book>("some", a => a.Exclude(x => x.Note, x => x.Shelf))
            .Bind<Book>("all", a => a.AllFields().Model("library.book")));

        await library.UseAsync(db => db.SaveNewAsync(new Book { Title = "Emma", Note = "n" }));

        Assert.Equal(
            [
                """some create book 1 {"id":1,"title":"Emma"}""",
                """all create library.book 1 {"id":1,"note":"n","shelf":"a","title":"Emma"}""",
            ],
            library.Groups.Lines);
    }

    [Fact]
    public async Task A_serializer_makes_the_data_and_null_sends_nothing()
    {
        await using var library = Library.InMemory(b => b.Bind<Book>("books", a => a.AllFields().Serialize(x => x.Note is null ? new { Name = x.Title } : null)));

        await library.UseAsync(async db =>
        {
            await db.SaveNewAsync(new Book { Title = "Emma" });
            await db.SaveNewAsync(new Book { Title = "Secret", Note = "hide" });
        });

        Assert.Equal(["""books create book 1 {"name":"Emma"}"""], library.Groups.Lines);
    }

    [Fact]
    public async Task A_derived_entity_is_sent_as_what_is_bound_and_a_key_of_two_columns_is_an_array()
    {
        await using var library = Library.InMemory(b => b
            .Bind<Book>("books", a => a.Fields(x => x.Title))
            .Bind<Loan>("loans", a => a.Fields(x => x.Until)));

        await library.UseAsync(async db =>
        {
            db.AddRange(new Comic { Title = "Tintin", Artist = "Hergé" }, new Loan { BookId = 1, ReaderId = 2, Until = new DateOnly(2026, 1, 2) });
            await db.SaveChangesAsync();
        });

        Assert.Equal(
            ["""books create book 1 {"title":"Tintin"}""", """loans create loan [1,2] {"until":"2026-01-02"}"""],
            library.Groups.Lines);
    }
}
