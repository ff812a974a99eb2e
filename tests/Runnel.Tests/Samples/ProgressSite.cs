using Xunit;

namespace Runnel.Tests.Samples;

/// <summary>One process of the sample "Progress" for all tests of a class. Each page is a visitor of its own, and sees nothing of the others' tasks.</summary>
public sealed class ProgressSite : IAsyncLifetime
{
    private readonly SampleFolder _folder = new();
    private SampleProcess _process = null!;

    public Uri Address => _process.Address;

    public async ValueTask InitializeAsync() => _process = await SampleProcess.ServeAsync("Progress", _folder);

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _folder.Dispose();
    }
}
