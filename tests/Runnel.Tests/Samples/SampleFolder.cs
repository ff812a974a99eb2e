namespace Runnel.Tests.Samples;

/// <summary>A folder for one test's files, and the layer that its processes share.</summary>
/// <param name="layer">The layer's address; without it, the layer is a file in the folder.</param>
/// <param name="isContentRoot">Whether the sample thinks that it lies in the folder, and finds its own places for its files, as it does when it is just started.</param>
internal sealed class SampleFolder(string? layer = null, bool isContentRoot = false) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runnel-sample-");

    public string Path => _folder.FullName;

    public string Layer => layer ?? $"sqlite:{System.IO.Path.Combine(Path, "layer.db")}";

    /// <summary>The connection string of the articles' database; without it, that is a file in the folder.</summary>
    public string? Database { get; init; }

    /// <summary>What the command line says of it.</summary>
    public string[] Arguments => isContentRoot
        ? ["--contentRoot", Path]
        : ["--layer", Layer, "--ConnectionStrings:Articles", Database ?? $"Data Source={System.IO.Path.Combine(Path, "articles.db")}"];

    public void Dispose() => _folder.Delete(recursive: true);
}
