using Microsoft.Playwright;
using Runnel.Tests.Servers;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Runnel.Tests.Samples;

/// <summary>The page "Payments" as people meet it: in a browser.</summary>
public sealed class PaymentsPageTests(Chromium chromium) : IClassFixture<Chromium>, IAsyncLifetime
{
    private readonly SampleFolder _folder = new();
    private SampleProcess _app = null!;

    public async ValueTask InitializeAsync() => _app = await SampleProcess.ServeAsync("Payments", _folder);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(320)]
    public async Task An_order_is_followed_to_its_end_and_a_declined_one_paid_otherwise(int width)
    {
        var complaints = new List<string>();
        var page = await chromium.NewPageAsync(_app.Address, width);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                complaints.Add(message.Text);
        };
        page.PageError += (_, error) => complaints.Add(error);
        await page.GotoAsync("/");
        await Expect(page.GetByText("No orders yet.")).ToBeVisibleAsync();

        await PayAsync(page, "good", "ok");
        await Expect(page.Locator(".pill")).ToHaveTextAsync(["Paid"], new() { Timeout = 10_000 });
        await PayAsync(page, "bad", "declined");
        await Expect(page.Locator(".pill")).ToHaveTextAsync(["Declined", "Paid"], new() { Timeout = 10_000 });
        await page.GetByRole(AriaRole.Button, new() { Name = "Pay with another card" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Pay", Exact = true }).ClickAsync();
        await Expect(page.Locator(".pill")).ToHaveTextAsync(["Paid", "Paid"], new() { Timeout = 10_000 });
        await page.ReloadAsync();

        await Expect(page.Locator(".orders h2")).ToHaveTextAsync(["bad", "good"]);
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        Assert.Empty(complaints);
    }

    [Fact]
    public async Task A_page_that_is_cut_off_for_a_moment_gets_what_it_missed_and_says_so()
    {
        await using var wire = TcpWire.To(_app.Address.Port);
        var page = await chromium.NewPageAsync(new UriBuilder(_app.Address) { Port = wire.Port }.Uri);
        await page.GotoAsync("/");
        await Expect(page.GetByText("No orders yet.")).ToBeVisibleAsync(); // the snapshot: what comes now comes through the group, and with a position
        await PayAsync(page, "first", "flaky-2");
        await Expect(page.Locator(".orders h2")).ToHaveTextAsync(["first"]);

        wire.Cut();
        await Expect(page.Locator("#badge")).ToHaveTextAsync("Reconnecting");
        wire.Heal();

        await Expect(page.Locator("#badge")).ToHaveTextAsync("Live, nothing missed", new() { Timeout = 20_000 });
        await Expect(page.Locator(".pill")).ToHaveTextAsync(["Paid"], new() { Timeout = 20_000 });
    }

    private static async Task PayAsync(IPage page, string id, string nonce)
    {
        await page.GetByLabel("Order", new() { Exact = true }).FillAsync(id);
        await page.GetByLabel("The card").SelectOptionAsync(nonce);
        await page.GetByRole(AriaRole.Button, new() { Name = "Pay", Exact = true }).ClickAsync();
    }
}
