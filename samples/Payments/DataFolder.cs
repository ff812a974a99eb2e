using Runnel;
using Runnel.Sqlite;

namespace Payments;

/// <summary>Where the sample keeps its own files: <c>--data=PATH</c>, else the folder of the layer's file, else the sample's.</summary>
/// <remarks>Asked for when the first order is, not while the application is built: only then has the command line been read in full.</remarks>
internal sealed class DataFolder
{
    public DataFolder(IConfiguration configuration, ConfiguredLayer layer, IHostEnvironment environment)
    {
        var path = configuration["data"] is { Length: > 0 } given ? given
            : layer.Scheme == "sqlite" ? Path.GetDirectoryName(Path.GetFullPath(SqliteLayerFactory.PathOf(layer.Address)))
            : null;
        Root = Directory.CreateDirectory(path ?? environment.ContentRootPath).FullName;
    }

    private string Root { get; }

    public string PathOf(string file) => Path.Combine(Root, file);
}
