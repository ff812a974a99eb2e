using System.Text.RegularExpressions;
using Runnel.Tests.House;
using Xunit;

namespace Runnel.Tests.Guides;

/// <summary>What the guides show is compiled, and what they link to is there.</summary>
public sealed partial class GuideTests
{
    public static TheoryData<string> Documents => [.. Repository.FilesBelow(".", "*.md").Select(Repository.RelativeTo)];

    [Theory]
    [MemberData(nameof(Documents))]
    public void CSharp_in_a_guide_is_code_that_is_compiled(string document)
    {
        var compiled = Snippets.All.Values.ToHashSet();

        foreach (var block in Snippets.BlocksOf(File.ReadAllText(Repository.PathTo(document))))
        {
            Assert.True(
                compiled.Contains(block),
                $"{document} shows C# that is compiled nowhere. Put it between '// <name>' and '// </name>' in tests/Runnel.Tests/Guides or in a sample, the same to the letter:\n\n{block}");
        }
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void A_link_leads_to_a_file_that_is_there(string document)
    {
        var folder = Path.GetDirectoryName(Repository.PathTo(document))!;
        var links = Link().Matches(File.ReadAllText(Repository.PathTo(document))).Select(match => match.Groups["to"].Value);

        var broken = links.Where(link => !link.Contains("://", StringComparison.Ordinal) && !Path.Exists(Path.Combine(folder, link)));

        Assert.True(!broken.Any(), $"{document} links to what is not there: {string.Join(", ", broken)}");
    }

    [Fact]
    public void Every_snippet_is_shown_somewhere()
    {
        var shown = Repository.FilesBelow(".", "*.md").SelectMany(file => Snippets.BlocksOf(File.ReadAllText(file))).ToHashSet();

        var unused = Snippets.All.Where(snippet => !shown.Contains(snippet.Value)).Select(snippet => snippet.Key);

        Assert.True(!unused.Any(), $"These snippets are in no guide as they are: {string.Join(", ", unused)}");
    }

    [GeneratedRegex(@"\]\((?<to>[^)#\s]+)(?:#[^)]*)?\)")]
    private static partial Regex Link();
}
