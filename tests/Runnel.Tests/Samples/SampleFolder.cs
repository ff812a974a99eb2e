namespace Runnel.Tests.Samples;

/// <summary>A folder for one test's files, and the layer that its processes share.</summary>
/// <param name="layer">The layer's address; without it, the layer is a file in the folder.</param>
internal sealed class SampleFolder(string? layer = null) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runnel-sample-");

    public string Path => _folder.FullName;

    public string Layer => layer ?? $"sqlite:{System.IO.Path.Combine(Path, "layer.db")}";

    public void Dispose() => _folder.Delete(recursive: true);
}
