using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Runnel.EntityFrameworkCore;
using Xunit;

namespace Runnel.Tests.DataBinding;

/// <summary>What is wrong with a binding is said before the first save, with a sentence.</summary>
public sealed class DataBindingDeclarationTests
{
    [Fact]
    public void Neither_fields_nor_exclude_is_refused_with_a_sentence()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Open(b => b.Bind<Book>("books", _ => { })));

        Assert.Equal(
            "The binding of Book says neither which fields to send nor which to leave out: call Fields(x => x.…), Exclude(x => x.…) or AllFields() in Bind.",
            error.Message);
    }

    [Fact]
    public void Fields_that_are_declared_twice_or_are_no_properties_are_refused()
    {
        Assert.Throws<InvalidOperationException>(() => Open(b => b.Bind<Book>("books", a => a.Fields(x => x.Title).Exclude(x => x.Note))));
        Assert.Throws<ArgumentException>(() => Open(b => b.Bind<Book>("books", a => a.Fields(x => x.Title.Length))));
        Assert.Throws<ArgumentException>(() => Open(b => b.Bind<Book>("books", a => a.Fields())));
    }

    [Fact]
    public async Task An_entity_or_a_field_that_the_model_does_not_have_is_refused_when_the_host_starts()
    {
        await using var unknownEntity = Open(b => b.Bind<string>("books", a => a.AllFields()));
        await using var unknownField = Open(b => b.Bind<Book>("books", a => a.Fields(x => x.Title, x => x.Length)));
        await using var fine = Open(b => b.Bind<Book>("books", a => a.AllFields()));

        var error = await Assert.ThrowsAsync<InvalidOperationException>(unknownEntity.StartAsync);
        Assert.Equal("String is bound to a group but is not an entity of LibraryContext: add a DbSet<String> to it, or bind another type.", error.Message);
        error = await Assert.ThrowsAsync<InvalidOperationException>(unknownField.StartAsync);
        Assert.StartsWith("Book.Length is bound to a group but is not a column of LibraryContext's model", error.Message, StringComparison.Ordinal);
        await fine.StartAsync();
    }

    [Fact]
    public async Task A_context_that_is_not_registered_or_makes_its_own_options_is_refused_when_the_host_starts()
    {
        await using var absent = new Library(_ => { }, b => b.Bind<Book>("books", a => a.AllFields()), _ => { });
        await using var apart = new Library(_ => { }, b => b.Bind<Book>("books", a => a.AllFields()), services => services.AddScoped(_ =>
            new LibraryContext(new DbContextOptionsBuilder<LibraryContext>().UseInMemoryDatabase("apart").Options)));

        Assert.Contains("AddDbContext<LibraryContext>", (await Assert.ThrowsAsync<InvalidOperationException>(absent.StartAsync)).Message, StringComparison.Ordinal);
        Assert.Contains("go unnoticed", (await Assert.ThrowsAsync<InvalidOperationException>(apart.StartAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Groups_that_a_binding_names_keep_history_after_what_the_application_says_itself()
    {
        await using var library = new Library(
            options => options.UseInMemoryDatabase("kept"),
            b => b.Bind<Book>("books", a => a.AllFields()).Bind<Book>("own", a => a.AllFields()).Bind<Book>(book => $"book.{book.Id}", a => a.AllFields()),
            services => services.AddDbContext<LibraryContext>(options => options.UseInMemoryDatabase("kept")).Configure<RunnelOptions>(options => options.KeepHistory("own", retention: null)));

        var options = library.Services.GetRequiredService<IOptions<RunnelOptions>>().Value;

        Assert.Equal(new DataBindingOptions().History, options.HistoryOf("books")?.Retention);
        Assert.False(options.HistoryOf("books")?.IsRequired);
        Assert.Null(options.HistoryOf("own")?.Retention);
        Assert.Null(options.HistoryOf("book.1"));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(601)]
    public async Task A_save_is_held_up_for_no_less_than_no_time_and_for_ten_minutes_at_most(int seconds)
    {
        await using var library = new Library(
            options => options.UseInMemoryDatabase("delay"), b => b.Bind<Book>("books", a => a.AllFields()), maxSaveDelay: TimeSpan.FromSeconds(seconds));

        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(library.StartAsync);

        Assert.Contains("The field MaxSaveDelay ", refusal.Message, StringComparison.Ordinal);
    }

    private static Library Open(Action<DataBindingBuilder<LibraryContext>> bind)
    {
        var name = Guid.NewGuid().ToString();
        return new Library(options => options.UseInMemoryDatabase(name), bind);
    }
}
