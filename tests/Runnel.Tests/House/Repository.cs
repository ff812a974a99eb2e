using System.Xml.Linq;

namespace Runnel.Tests.House;

/// <summary>The work tree that these tests were built from, as files.</summary>
internal static class Repository
{
    // What tools make: never looked at, and never committed.
    private static readonly string[] Made = [".git", ".vs", ".idea", "bin", "obj", "node_modules", "artifacts", "TestResults"];

    public static string Root { get; } = FindRoot();

    /// <summary>The names of the packages that ship: the folders of <c>src</c> that hold a project.</summary>
    public static IEnumerable<string> Packages =>
        Directory.GetDirectories(PathTo("src")).Select(folder => Path.GetFileName(folder)).Where(name => File.Exists(ProjectFileOf(name))).Order(StringComparer.Ordinal);

    public static string PathTo(string relative) => Path.Combine(Root, relative);

    public static string RelativeTo(string path) => Path.GetRelativePath(Root, path);

    public static XDocument ProjectOf(string package) => XDocument.Load(ProjectFileOf(package));

    /// <summary>What an item of a project file includes: <c>PackageReference</c>, <c>ProjectReference</c>, <c>InternalsVisibleTo</c>.</summary>
    public static IEnumerable<string> ItemsOf(XDocument project, string kind) =>
        project.Descendants(kind).Select(item => (string?)item.Attribute("Include")).OfType<string>();

    /// <summary>The files below a folder that people wrote, sorted.</summary>
    public static IEnumerable<string> FilesBelow(string relative, string pattern = "*") => Walk(PathTo(relative), pattern).Order(StringComparer.Ordinal);

    private static string ProjectFileOf(string package) => PathTo($"src/{package}/{package}.csproj");

    private static IEnumerable<string> Walk(string folder, string pattern)
    {
        if (!Directory.Exists(folder))
            return [];
        var below = Directory.GetDirectories(folder).Where(IsWritten).SelectMany(path => Walk(path, pattern));
        return Directory.GetFiles(folder, pattern).Where(IsWritten).Concat(below);
    }

    private static bool IsWritten(string path) => !Made.Contains(Path.GetFileName(path));

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Runnel.slnx")))
                return folder.FullName;
        }
        throw new InvalidOperationException("These tests read the work tree: run them from where they were built, below the folder of Runnel.slnx.");
    }
}
