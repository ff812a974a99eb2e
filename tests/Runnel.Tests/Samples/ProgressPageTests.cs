using Microsoft.Playwright;
using Runnel.Tests.Servers;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Runnel.Tests.Samples;

/// <summary>The page "Progress" as people meet it: in a browser.</summary>
public sealed class ProgressPageTests(Chromium chromium, ProgressSite site) : IClassFixture<Chromium>, IClassFixture<ProgressSite>
{
    [Fact]
    public async Task A_bar_moves_goes_on_after_a_reload_and_moves_in_a_second_tab_too()
    {
        var page = await OpenPageAsync();
        await Expect(page.GetByText("Nothing is under way.")).ToBeVisibleAsync();
        await page.GetByLabel("Steps").FillAsync("60");
        await page.GetByLabel("Milliseconds").FillAsync("250"); // far longer than a reload and a second tab take
        await page.GetByRole(AriaRole.Button, new() { Name = "Start a task" }).ClickAsync();

        var first = await MovedBeyondAsync(page, 0);
        await page.ReloadAsync();
        var afterReload = await MovedBeyondAsync(page, first);
        var second = await page.Context.NewPageAsync();
        await second.GotoAsync("/");
        await MovedBeyondAsync(second, afterReload);

        foreach (var tab in new[] { page, second })
        {
            await Expect(tab.Locator(".pill")).ToHaveTextAsync(["Done"], new() { Timeout = 20_000 });
            await Expect(tab.GetByRole(AriaRole.Progressbar)).ToHaveAttributeAsync("aria-valuenow", "100");
            await Expect(tab.GetByRole(AriaRole.Button, new() { Name = "Cancel" })).ToBeHiddenAsync();
        }
    }

    [Fact]
    public async Task A_task_is_cancelled_on_the_page_and_a_failing_one_shows_why()
    {
        var page = await OpenPageAsync();
        await page.GetByLabel("Steps").FillAsync("500");
        await page.GetByRole(AriaRole.Button, new() { Name = "Start a task" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Expect(page.Locator(".pill")).ToHaveTextAsync(["Cancelled"]);

        await page.GetByLabel("Milliseconds").FillAsync("20");
        await page.GetByLabel("Fail at step").FillAsync("3");
        await page.GetByRole(AriaRole.Button, new() { Name = "Start a task" }).ClickAsync();
        await Expect(page.Locator(".pill")).ToHaveTextAsync(["Given up", "Cancelled"], new() { Timeout = 20_000 });
        await Expect(page.GetByText("Step 3 went wrong")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_page_that_is_cut_off_for_a_moment_gets_the_latest_state_of_its_task_and_says_so()
    {
        await using var wire = TcpWire.To(site.Address.Port);
        var page = await OpenPageAsync(address: new UriBuilder(site.Address) { Port = wire.Port }.Uri);
        await Expect(page.GetByText("Nothing is under way.")).ToBeVisibleAsync(); // the snapshot: what comes now comes through the group, and with a position
        await page.GetByLabel("Steps").FillAsync("20");
        await page.GetByLabel("Milliseconds").FillAsync("500"); // it must not be at its end before the wire is cut
        await page.GetByRole(AriaRole.Button, new() { Name = "Start a task" }).ClickAsync();
        await MovedBeyondAsync(page, 0);

        wire.Cut();
        await Expect(page.Locator("#badge")).ToHaveTextAsync("Reconnecting");
        wire.Heal();

        await Expect(page.Locator("#badge")).ToHaveTextAsync("Live, nothing missed", new() { Timeout = 20_000 });
        await Expect(page.Locator(".pill")).ToHaveTextAsync(["Done"], new() { Timeout = 20_000 });
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(390)]
    [InlineData(320)]
    public async Task Nothing_is_wider_than_the_screen_and_nothing_complains(int width)
    {
        var complaints = new List<string>();
        var page = await OpenPageAsync(width, complaints);

        await page.GetByLabel("Steps").FillAsync("3");
        await page.GetByRole(AriaRole.Button, new() { Name = "Start a task" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Ask the service" }).ClickAsync();
        await Expect(page.Locator(".tasks li")).ToHaveCountAsync(2);

        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        Assert.Empty(complaints);
    }

    private async Task<IPage> OpenPageAsync(int width = 1280, List<string>? complaints = null, Uri? address = null)
    {
        var page = await chromium.NewPageAsync(address ?? site.Address, width);
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

    /// <summary>Waits until the bar is beyond a percentage, and not at its end; returns where it is.</summary>
    private static async Task<int> MovedBeyondAsync(IPage page, int percent)
    {
        await page.WaitForFunctionAsync("percent => Number(document.querySelector('[role=progressbar]')?.getAttribute('aria-valuenow')) > percent", percent);
        var now = await page.GetByRole(AriaRole.Progressbar).GetAttributeAsync("aria-valuenow");
        Assert.NotEqual("100", now);
        return int.Parse(now!, System.Globalization.CultureInfo.InvariantCulture);
    }
}
