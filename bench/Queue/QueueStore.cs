using Runnel.Layers;

namespace Runnel.Bench;

/// <summary>Gives every measurement a store of its own, and leaves nothing behind.</summary>
internal sealed class QueueStore : IDisposable
{
    private readonly DirectoryInfo? _folder;
    private int _count;

    public QueueStore(string layer)
    {
        Scheme = SchemeOf(layer);
        if (!IsDurable)
            return;
        // Beside the path that was named, since what is measured is that path's disk.
        var path = Path.GetFullPath(layer[(layer.IndexOf(':', StringComparison.Ordinal) + 1)..]);
        _folder = Directory.CreateDirectory($"{path}.bench-{Environment.ProcessId}");
    }

    /// <summary><c>memory</c> or <c>sqlite</c>.</summary>
    public string Scheme { get; }

    public bool IsDurable => Scheme == "sqlite";

    /// <summary>Where the files are, of a store that has some.</summary>
    public string Folder => _folder?.FullName ?? throw new InvalidOperationException($"{Scheme}: has no files.");

    /// <summary>A file that is not there yet.</summary>
    public string NewFile() => Path.Combine(Folder, $"{++_count}.db");

    /// <summary>The address of an empty store.</summary>
    public string NewAddress() => IsDurable ? $"sqlite:{NewFile()}" : "memory:";

    public void Dispose() => _folder?.Delete(recursive: true);

    private static string SchemeOf(string layer)
    {
        try
        {
            var scheme = LayerAddress.SchemeOf(layer);
            return scheme is "memory" or "sqlite" ? scheme : throw new BenchException($"This runs on memory: and sqlite:PATH, not on {scheme}:.");
        }
        catch (FormatException exception)
        {
            throw new BenchException(exception.Message);
        }
    }
}
