using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Runnel.EntityFrameworkCore;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.DataBinding;

/// <summary>What members are told of changes that the layer did not take.</summary>
public sealed class LostChangesTests : IDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly RecordedLog _log = new();
    private readonly LoggerFactory _loggers;

    public LostChangesTests() => _loggers = new LoggerFactory([_log]);

    [Fact]
    public async Task The_members_of_each_group_that_lost_changes_are_told_once_when_the_layer_is_back()
    {
        await using var library = Open();
        library.Groups.IsAway = true;
        await SaveAsync(library, "a", "a", "b");
        await Wait.Until(() => library.Groups.GapsRefused > 0, "it cannot be told yet");

        library.Groups.IsAway = false;
        await TellAsync(library.Groups, count: 2);
        await SaveAsync(library, "c");
        _clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(["shelf.a", "shelf.b"], library.Groups.Gaps.Order());
        Assert.Single(library.Groups.Messages);
        await Wait.Until(() => library.Log.Lines.Count(line => line.StartsWith("Information 5005", StringComparison.Ordinal)) == 2, "it is logged that they were told");
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
            await TellAsync(library.Groups, outage);
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

    [Fact]
    public async Task A_group_that_cannot_be_told_goes_behind_the_others()
    {
        await using var library = Open();
        library.Groups.IsAway = true;
        await SaveAsync(library, "a");
        await Wait.Until(() => library.Groups.GapsRefused > 0, "it cannot be told yet");
        await SaveAsync(library, "b");
        await SaveAsync(library, "c");

        (library.Groups.IsAway, library.Groups.OutOfReach) = (false, "shelf.a");
        await TellAsync(library.Groups, count: 2);
        library.Groups.OutOfReach = null;
        await TellAsync(library.Groups, count: 3);

        Assert.Equal(["shelf.b", "shelf.c", "shelf.a"], library.Groups.Gaps);
    }

    [Fact]
    public async Task A_layer_that_is_away_is_asked_once_a_second()
    {
        var groups = new RecordingGroups { IsAway = true };
        using var lost = Create(groups);
        lost.Add("a");

        for (var asked = 1; asked <= 3; asked++)
        {
            await Wait.Until(() => _clock.ArmedTimers > 0, "it rests");
            Assert.Equal(asked, groups.GapsAsked);
            _clock.Advance(LostChanges.Rest);
            await Wait.Until(() => groups.GapsAsked > asked, "it asks again");
        }
    }

    [Fact]
    public async Task No_more_than_ten_thousand_groups_are_remembered_each_once_and_any_other_is_logged()
    {
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var groups = new RecordingGroups { Telling = goOn.Task };
        using var lost = Create(groups);
        lost.Add("first");
        await Wait.Until(() => groups.GapsAsked == 1, "it is being told");

        for (var group = 0; group <= LostChanges.MostGroups; group++)
            lost.Add($"{group}");
        lost.Add("0");
        goOn.SetResult();
        await Wait.Until(() => groups.Gaps.Count > LostChanges.MostGroups, "all are told");

        Assert.Equal(["first", .. Enumerable.Range(0, LostChanges.MostGroups).Select(group => $"{group}")], groups.Gaps);
        Assert.Contains($"'{LostChanges.MostGroups}'", Assert.Single(_log.Of(5007)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_the_application_ends_nobody_else_is_told_and_nothing_is_logged()
    {
        var groups = new RecordingGroups { Telling = new TaskCompletionSource().Task };
        using var lost = Create(groups);
        lost.Add("a");
        lost.Add("b");
        await Wait.Until(() => groups.GapsAsked == 1, "one is being told");

        lost.Dispose();

        Assert.Equal(1, groups.GapsAsked);
        Assert.Empty(_log.Lines);
    }

    public void Dispose()
    {
        _loggers.Dispose();
        _log.Dispose();
    }

    private LostChanges Create(IGroups groups) => new(new ServiceCollection().AddSingleton(groups).BuildServiceProvider(), _clock, _loggers.CreateLogger<LostChanges>());

    private Task TellAsync(RecordingGroups groups, int count) => Wait.Until(
        () =>
        {
            _clock.Advance(LostChanges.Rest);
            return groups.Gaps.Count == count;
        },
        "the members are told");

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
