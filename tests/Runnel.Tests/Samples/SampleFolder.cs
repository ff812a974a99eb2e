namespace Runnel.Tests.Samples;

/// <summary>A folder for one test's files.</summary>
internal sealed class SampleFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runnel-sample-");

    public string Path => _folder.FullName;

    public string LayerPath => System.IO.Path.Combine(Path, "layer.db");

    public void Dispose() => _folder.Delete(recursive: true);
}
