using System.Text.RegularExpressions;
using Runnel.Tests.House;

namespace Runnel.Tests.Guides;

/// <summary>Code that is compiled and shown in a guide: what stands between <c>// &lt;name&gt;</c> and <c>// &lt;/name&gt;</c> here or in a sample.</summary>
/// <remarks>Parts of one file with the same name are one snippet, so that usings, statements and types can be shown as the one program they are.</remarks>
internal static partial class Snippets
{
    public static IReadOnlyDictionary<string, string> All { get; } = ReadAll();

    /// <summary>The blocks of C# in a document.</summary>
    public static IEnumerable<string> BlocksOf(string markdown) => Block().Matches(markdown).Select(match => Normalize(match.Groups["code"].Value));

    /// <summary>The first block of a document, whatever its language, that has these words.</summary>
    public static string BlockWith(string document, string words) => File.ReadAllText(Repository.PathTo(document))
        .Split("```")
        .Where((_, number) => number % 2 == 1)
        .Select(block => block[(block.IndexOf('\n', StringComparison.Ordinal) + 1)..])
        .First(block => block.Contains(words, StringComparison.Ordinal));

    /// <summary>The same code without the margin it happens to have.</summary>
    private static string Normalize(string code)
    {
        var lines = code.Replace("\r", "", StringComparison.Ordinal).Split('\n').Select(line => line.TrimEnd()).ToList();
        var margin = lines.Where(line => line.Length > 0).Select(line => line.Length - line.TrimStart().Length).DefaultIfEmpty().Min();
        return string.Join('\n', lines.Select(line => line.Length > 0 ? line[margin..] : line)).Trim('\n');
    }

    private static Dictionary<string, string> ReadAll()
    {
        var all = new Dictionary<string, string>();
        foreach (var file in Repository.FilesBelow("tests/Runnel.Tests/Guides", "*.cs").Concat(Repository.FilesBelow("samples", "*.cs")))
        {
            foreach (var parts in Part().Matches(File.ReadAllText(file)).GroupBy(match => match.Groups["name"].Value, match => Normalize(match.Groups["code"].Value)))
            {
                if (!all.TryAdd(parts.Key, string.Join("\n\n", parts)))
                    throw new InvalidOperationException($"Two files have a snippet '{parts.Key}'; the second is {Repository.RelativeTo(file)}.");
            }
        }
        return all;
    }

    [GeneratedRegex(@"^ *// <(?<name>[a-z-]+)>\n(?<code>.*?)^ *// </\k<name>>$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Part();

    [GeneratedRegex(@"^ *```(?:csharp|cs|c#)\n(?<code>.*?)^ *```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.IgnoreCase)]
    private static partial Regex Block();
}
