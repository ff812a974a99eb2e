using Microsoft.Playwright;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

[assembly: AssemblyFixture(typeof(SharedChromium))]

namespace Runnel.Tests.Servers;

/// <summary>One headless browser for all tests; it starts when the first of them asks for a page. Tests take a <see cref="Chromium"/>.</summary>
public sealed class SharedChromium : IAsyncDisposable
{
    private const string Executable = "/usr/bin/chromium";

    private readonly Lazy<Task<(IPlaywright Driver, IBrowser Browser)>> _started = new(StartAsync);

    /// <summary>Opens a window without cookies.</summary>
    public async Task<IBrowserContext> NewVisitorAsync(BrowserNewContextOptions options) => await (await _started.Value).Browser.NewContextAsync(options);

    public async ValueTask DisposeAsync()
    {
        if (!_started.IsValueCreated || _started.Value.IsFaulted) // whoever asked for it has been told
            return;
        var (driver, browser) = await _started.Value;
        await browser.DisposeAsync();
        driver.Dispose();
    }

    private static async Task<(IPlaywright Driver, IBrowser Browser)> StartAsync()
    {
        if (!File.Exists(Executable))
            throw new InvalidOperationException($"These tests need a browser: install the package 'chromium' (expected at {Executable}).");
        Assertions.SetDefaultExpectTimeout((float)Wait.Limit.TotalMilliseconds); // five seconds otherwise, which a busy machine may need for a page
        var driver = await Playwright.CreateAsync();
        return (driver, await driver.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Executable,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync",
            ],
        }));
    }
}
