using System.Diagnostics;
using System.IO.Enumeration;
using System.Xml.Linq;

namespace Runnel.Tests.House;

/// <summary>The work tree that these tests were built from, as files.</summary>
internal static class Repository
{
    // What tools make: never looked at, and never committed. Git knows better what that is; this is for a tree without it.
    private static readonly string[] Made = [".git", ".vs", ".idea", "bin", "obj", "node_modules", "artifacts", "TestResults"];

    private static readonly Lazy<IReadOnlyList<string>> Written = new(ReadWritten);

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

    /// <summary>The files below a folder that people wrote, sorted: those that git tracks, or would if they were added.</summary>
    public static IEnumerable<string> FilesBelow(string relative, string pattern = "*")
    {
        var folder = Path.GetFullPath(PathTo(relative)).TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar;
        return Written.Value.Where(file => file.StartsWith(folder, StringComparison.Ordinal) && FileSystemName.MatchesSimpleExpression(pattern, Path.GetFileName(file)));
    }

    /// <summary>All files that people wrote, as they are now.</summary>
    public static IReadOnlyList<string> ReadWritten() => AskGit() ?? [.. Walk(Root).Order(StringComparer.Ordinal)];

    private static string ProjectFileOf(string package) => PathTo($"src/{package}/{package}.csproj");

    private static IReadOnlyList<string>? AskGit()
    {
        if (!Path.Exists(PathTo(".git")))
            return null;
        using var git = Process.Start(new ProcessStartInfo("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]) { WorkingDirectory = Root, RedirectStandardOutput = true })!;
        var listed = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        if (git.ExitCode != 0)
            return null;
        // A file that was deleted since the last commit is still listed.
        return [.. listed.Split('\0', StringSplitOptions.RemoveEmptyEntries).Select(PathTo).Where(File.Exists).Order(StringComparer.Ordinal)];
    }

    private static IEnumerable<string> Walk(string folder) =>
        Directory.GetFiles(folder).Concat(Directory.GetDirectories(folder).Where(path => !Made.Contains(Path.GetFileName(path))).SelectMany(Walk));

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
