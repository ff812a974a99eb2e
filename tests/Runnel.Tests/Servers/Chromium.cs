using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace Runnel.Tests.Servers;

/// <summary>The pages of a class of tests, in a headless Chromium. Each is a visitor of its own, and is closed when the tests of the class have run.</summary>
public sealed class Chromium(SharedChromium shared) : IAsyncDisposable
{
    private readonly ConcurrentBag<IBrowserContext> _visitors = [];

    public async Task<IPage> NewPageAsync(Uri address, int width = 1280, ColorScheme colors = ColorScheme.Light)
    {
        var visitor = await shared.NewVisitorAsync(new()
        {
            BaseURL = address.ToString(),
            ViewportSize = new() { Width = width, Height = 844 },
            ColorScheme = colors,
        });
        _visitors.Add(visitor);
        return await visitor.NewPageAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var visitor in _visitors)
            await visitor.CloseAsync();
    }
}
