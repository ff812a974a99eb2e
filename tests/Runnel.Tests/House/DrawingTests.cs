using System.Text.RegularExpressions;
using Xunit;

namespace Runnel.Tests.House;

/// <summary>ARCHITECTURE.md shows the house as it is: its drawing and the files that it names.</summary>
public sealed partial class DrawingTests
{
    private const string Document = "ARCHITECTURE.md";

    [Fact]
    public void The_drawing_shows_the_floors_packages_references_and_rooms_that_there_are()
    {
        var drawn = File.ReadLines(Repository.PathTo(Document)).Select(line => Drawn().Match(line)).Where(match => match.Success).Select(match =>
            $"{match.Groups["floor"]} {match.Groups["package"]} ─▶ {match.Groups["refers"].Value.Trim()}: {match.Groups["rooms"].Value.Trim()}").ToList();

        var built = Repository.Packages.OrderByDescending(package => Package.All[package].Floor).ThenBy(ShortNameOf, StringComparer.Ordinal).Select(package =>
            $"{Package.All[package].Floor} {ShortNameOf(package)} ─▶ {string.Join(' ', ReferencesOf(package))}: {string.Join(" ◀─ ", Rooms.Of.GetValueOrDefault(package, []))}").ToList();

        Assert.Equal(built, drawn);
    }

    [Fact]
    public void A_file_that_is_named_is_there()
    {
        var named = Named().Matches(File.ReadAllText(Repository.PathTo(Document))).Select(match => match.Groups["path"].Value).Distinct().ToList();
        var files = Repository.FilesBelow("src").Concat(Repository.FilesBelow("tests")).Select(Repository.RelativeTo).ToList();

        Assert.NotEmpty(named);
        Findings.AssertNone(named.Where(path => !files.Any(file => file.EndsWith("/" + path, StringComparison.Ordinal) || file == path)), $"{Document} names files that are not there");
    }

    private static IEnumerable<string> ReferencesOf(string package) => Repository.ItemsOf(Repository.ProjectOf(package), "ProjectReference")
        .Select(path => ShortNameOf(Path.GetFileNameWithoutExtension(path.Replace('\\', '/')))).Order(StringComparer.Ordinal);

    private static string ShortNameOf(string package) => package.Replace("Runnel.", "", StringComparison.Ordinal);

    //   1    Sqlite                ─▶ Layers               Files ◀─ Subscribers ◀─ .
    [GeneratedRegex(@"^  (?<floor>\d)    (?<package>\w+)\s*(─▶ (?<refers>[\w ]*?))?(\s{2,}(?<rooms>\w+ ◀─ .*))?$")]
    private static partial Regex Drawn();

    [GeneratedRegex(@"`(?<path>[\w./]+\.(cs|lua))`")]
    private static partial Regex Named();
}
