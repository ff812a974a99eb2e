using System.Text.RegularExpressions;
using Xunit;

namespace Runnel.Tests.House;

/// <summary>What docs/promises.md says is shown by tests that there are.</summary>
public sealed partial class PromisesTests
{
    private const string Document = "docs/promises.md";

    [Fact]
    public void Every_test_that_the_promises_name_exists()
    {
        var tests = TestsByClass();

        var named = File.ReadLines(Repository.PathTo(Document)).SelectMany(TestsNamedIn).ToList();

        Assert.True(named.Count > 40, $"Only {named.Count} tests were found in {Document}: does this test still read it?");
        Findings.AssertNone(named.Where(test => !tests.Contains(test)), $"{Document} names tests that do not exist. Write their new names there");
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("ARCHITECTURE.md")]
    [InlineData("docs/layer-specification.md")]
    public void The_promises_are_linked_from(string document) => Assert.Contains("promises.md)", File.ReadAllText(Repository.PathTo(document)), StringComparison.Ordinal);

    /// <summary>`Class.Test`, and further tests of the same class in the same row as `Test`.</summary>
    private static IEnumerable<string> TestsNamedIn(string row)
    {
        var type = "";
        foreach (var name in TestName().Matches(row).Cast<Match>())
        {
            if (name.Groups["type"].Success)
                type = name.Groups["type"].Value;
            yield return $"{type}.{name.Groups["test"].Value}";
        }
    }

    private static HashSet<string> TestsByClass() =>
        (from file in Repository.FilesBelow("tests", "*.cs")
         let type = Path.GetFileName(file).Split('.')[0]
         from test in Test().Matches(File.ReadAllText(file))
         select $"{type}.{test.Groups["name"].Value}").ToHashSet();

    [GeneratedRegex(@"`(?:(?<type>[A-Z]\w*)\.)?(?<test>[A-Z][A-Za-z0-9]*_\w+)`")]
    private static partial Regex TestName();

    [GeneratedRegex(@"^    public (?:async Task|Task|void) (?<name>\w+)\(", RegexOptions.Multiline)]
    private static partial Regex Test();
}
