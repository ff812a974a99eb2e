using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.DataBinding;

/// <summary>What members are told of changes that the layer did not take.</summary>
public sealed class LostChangesTests
{
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public async Task The_members_of_each_group_that_lost_changes_are_told_once_when_the_layer_is_back()
    {
        await using var library = Open();
        library.Groups.IsAway = true;
        await SaveAsync(library, "a", "a", "b");
        await Wait.Until(() => library.Groups.GapsRefused > 0, "it cannot be told yet");

        library.Groups.IsAway = false;
        await Wait.Until(() =>
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            return library.Groups.Gaps.Count == 2;
        }, "the members are told");
        await SaveAsync(library, "c");
        _clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(["shelf.a", "shelf.b"], library.Groups.Gaps.Order());
        Assert.Single(library.Groups.Messages);
    }

    [Fact]
    public async Task A_change_that_is_lost_after_the_members_were_told_is_told_again()
    {
        await using var library = Open();
        for (var outage = 1; outage <= 2; outage++)
        {
            library.Groups.IsAway = true;
            await SaveAsync(library, "a");
            library.Groups.IsAway = false;
            await Wait.Until(() =>
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                return library.Groups.Gaps.Count == outage;
            }, "the members are told");
        }

        Assert.Equal(["shelf.a", "shelf.a"], library.Groups.Gaps);
    }

    [Fact]
    public async Task A_change_that_cannot_be_sent_at_all_sends_nobody_away()
    {
        await using var library = Open();
        library.Groups.Fails = _ => true;

        await SaveAsync(library, "a");
        _clock.Advance(TimeSpan.FromMinutes(1));

        Assert.StartsWith("Error 5001", Assert.Single(library.Log.Lines), StringComparison.Ordinal);
        Assert.Empty(library.Groups.Gaps);
    }

    [Fact]
    public async Task A_layer_that_can_never_tell_the_members_is_asked_once()
    {
        await using var library = Open();
        (library.Groups.IsAway, library.Groups.NoGaps) = (true, new ArgumentException("It has no form for it."));
        await SaveAsync(library, "a");

        library.Groups.IsAway = false;
        await Wait.Until(() =>
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            return library.Log.Lines.Any(line => line.StartsWith("Error 5008", StringComparison.Ordinal));
        }, "it is logged");
        _clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Single(library.Log.Lines, line => line.StartsWith("Error 5008", StringComparison.Ordinal));
        Assert.Empty(library.Groups.Gaps);
    }

    private Library Open()
    {
        var name = Guid.NewGuid().ToString();
        return new Library(
            _ => { },
            binding => binding.Bind<Book>(book => $"shelf.{book.Shelf}", a => a.Fields(x => x.Title)),
            services => services.AddSingleton<TimeProvider>(_clock).AddDbContext<LibraryContext>(options => options.UseInMemoryDatabase(name)));
    }

    private static Task SaveAsync(Library library, params string[] shelves) => library.UseAsync(async db =>
    {
        db.AddRange(shelves.Select(shelf => new Book { Title = "Emma", Shelf = shelf }));
        await db.SaveChangesAsync();
    });
}
