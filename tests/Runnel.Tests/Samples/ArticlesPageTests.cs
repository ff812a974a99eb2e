using System.Diagnostics;
using System.Net.Http.Json;
using Microsoft.Playwright;
using Runnel.Tests.Servers;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Runnel.Tests.Samples;

/// <summary>The page "Dynamic Articles" as people meet it: in a browser.</summary>
public sealed class ArticlesPageTests(Chromium chromium) : IClassFixture<Chromium>, IDisposable
{
    private readonly ArticlesApp _app = new();

    public void Dispose() => _app.Dispose();

    [Fact]
    public async Task What_the_admin_writes_changes_and_deletes_shows_on_an_open_page_within_two_seconds()
    {
        var page = await OpenPageAsync();
        var admin = await SignInAsync();
        await Expect(page.GetByText("No articles yet.")).ToBeVisibleAsync();

        await admin.GetByRole(AriaRole.Link, new() { Name = "New article" }).ClickAsync();
        await admin.GetByLabel("Title").FillAsync("Rain at last");
        await admin.GetByLabel("Body").FillAsync("It came in the night.");
        await WithinTwoSecondsAsync(
            admin.GetByRole(AriaRole.Button, new() { Name = "Publish" }).ClickAsync,
            () => Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Rain at last" })).ToBeVisibleAsync());
        await Expect(page.GetByText("It came in the night.")).ToBeVisibleAsync();
        await Expect(page.GetByText("No articles yet.")).ToBeHiddenAsync();
        await Expect(page.Locator("#news")).ToHaveTextAsync("New article: Rain at last");

        await admin.GetByRole(AriaRole.Link, new() { Name = "Edit" }).ClickAsync();
        await admin.GetByLabel("Title").FillAsync("Rain, and more of it");
        await WithinTwoSecondsAsync(
            admin.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync,
            () => Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Rain, and more of it" })).ToBeVisibleAsync());

        await admin.GetByRole(AriaRole.Button, new() { Name = "Delete “" }).ClickAsync();
        await WithinTwoSecondsAsync(
            admin.GetByRole(AriaRole.Button, new() { Name = "Delete it" }).ClickAsync,
            () => Expect(page.GetByText("No articles yet.")).ToBeVisibleAsync());
        await Expect(page.Locator("#articles li")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task The_page_starts_with_the_latest_five_and_keeps_what_comes_newest_first()
    {
        using var writer = _app.CreateWriter();
        for (var number = 1; number <= 6; number++)
            await ArticlesApp.PostAsync(writer, $"{number}");

        var page = await OpenPageAsync();
        await Expect(page.Locator("#articles h2")).ToHaveTextAsync(["6", "5", "4", "3", "2"]);
        await ArticlesApp.PostAsync(writer, "7");
        await ArticlesApp.PostAsync(writer, "8");
        await Expect(page.Locator("#articles h2")).ToHaveTextAsync(["8", "7", "6", "5", "4", "3", "2"]);

        for (var number = 9; number <= 60; number++)
            await ArticlesApp.PostAsync(writer, $"{number}");
        await Expect(page.Locator("#articles h2")).ToHaveTextAsync(Enumerable.Range(11, 50).Reverse().Select(number => $"{number}"));
    }

    [Fact]
    public async Task Markup_in_an_article_is_text()
    {
        const string Hostile = """<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>""";
        using var writer = _app.CreateWriter();
        var page = await OpenPageAsync();

        await writer.PostAsJsonAsync("/api/articles", new { title = Hostile, body = Hostile });

        await Expect(page.Locator("#articles h2")).ToHaveTextAsync(Hostile);
        await Expect(page.Locator("#articles .body")).ToHaveTextAsync(Hostile);
        await Expect(page.Locator("#articles img")).ToHaveCountAsync(0);
        Assert.Equal("Dynamic Articles", await page.TitleAsync());
    }

    [Fact]
    public async Task The_badge_tells_of_a_lost_connection_and_the_page_catches_up_by_itself()
    {
        var port = LoopbackPort.Free(); // which nobody takes while the server is down
        var first = new ArticlesApp(port);
        using (var writer = first.CreateWriter())
            await ArticlesApp.PostAsync(writer, "gone with the first server");
        var page = await OpenPageAsync(first.Address);
        await Expect(page.Locator("#articles li")).ToHaveCountAsync(1);

        await first.DisposeAsync();
        await Expect(page.Locator("#badge")).ToHaveTextAsync("Reconnecting");

        await using var second = new ArticlesApp(port);
        using (var writer = second.CreateWriter())
            await ArticlesApp.PostAsync(writer, "written meanwhile");
        await Expect(page.Locator("#badge")).ToHaveTextAsync("Live, reloaded", new() { Timeout = 20_000 });
        await Expect(page.Locator("#articles h2")).ToHaveTextAsync(["written meanwhile"]);
    }

    [Fact]
    public async Task A_page_that_is_cut_off_for_a_moment_gets_what_it_missed_and_says_so()
    {
        await using var wire = TcpWire.To(_app.Address.Port);
        using var writer = _app.CreateWriter();
        for (var number = 1; number <= 6; number++)
            await ArticlesApp.PostAsync(writer, $"{number}");
        var page = await OpenPageAsync(new UriBuilder(_app.Address) { Port = wire.Port }.Uri);
        await Expect(page.Locator("#articles h2")).ToHaveTextAsync(["6", "5", "4", "3", "2"]); // the snapshot
        await ArticlesApp.PostAsync(writer, "7");
        await Expect(page.Locator("#articles h2")).ToHaveTextAsync(["7", "6", "5", "4", "3", "2"]);

        wire.Cut();
        await Expect(page.Locator("#badge")).ToHaveTextAsync("Reconnecting");
        await ArticlesApp.PostAsync(writer, "8");
        wire.Heal();

        await Expect(page.Locator("#badge")).ToHaveTextAsync("Live, nothing missed", new() { Timeout = 20_000 });
        await Expect(page.Locator("#articles h2")).ToHaveTextAsync(["8", "7", "6", "5", "4", "3", "2"]); // a snapshot would have five
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(390)]
    [InlineData(320)]
    public async Task Nothing_is_wider_than_the_screen_and_nothing_complains(int width)
    {
        using var writer = _app.CreateWriter();
        await ArticlesApp.PostAsync(writer, new string('W', 200));
        var complaints = new List<string>();

        var page = await OpenPageAsync(width: width, complaints: complaints);
        await Expect(page.Locator("#articles li")).ToHaveCountAsync(1);

        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        Assert.Empty(complaints);
    }

    private async Task<IPage> OpenPageAsync(Uri? address = null, int width = 1280, List<string>? complaints = null)
    {
        var page = await chromium.NewPageAsync(address ?? _app.Address, width);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                complaints?.Add(message.Text);
        };
        page.PageError += (_, error) => complaints?.Add(error);
        await page.GotoAsync("/");
        await Expect(page.Locator("#badge")).ToHaveTextAsync("Live");
        return page;
    }

    private async Task<IPage> SignInAsync()
    {
        var page = await chromium.NewPageAsync(_app.Address);
        await page.GotoAsync("/admin");
        await page.GetByLabel("Name").FillAsync("admin");
        await page.GetByLabel("Password").FillAsync("dev");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Articles", Exact = true })).ToBeVisibleAsync();
        return page;
    }

    // Two seconds of the server and the page; the click itself waits for the next page of the admin, which is not counted.
    private static async Task WithinTwoSecondsAsync(Func<LocatorClickOptions?, Task> click, Func<Task> isShown)
    {
        var began = Stopwatch.GetTimestamp();
        var clicking = click(null);
        await isShown();
        var elapsed = Stopwatch.GetElapsedTime(began);
        await clicking;
        Assert.True(elapsed < TimeSpan.FromSeconds(2), $"It took {elapsed.TotalSeconds:0.0} s.");
    }
}
