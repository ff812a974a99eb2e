using System.Text.RegularExpressions;
using Runnel.Tests.House;

namespace Runnel.Tests.Recovery;

/// <summary>The conversations in docs/protocol.md, as its last part describes them.</summary>
internal static partial class Vectors
{
    /// <summary>The conversations by the sentence that introduces each.</summary>
    public static IReadOnlyDictionary<string, string[]> All { get; } = Read();

    private static Dictionary<string, string[]> Read()
    {
        var page = File.ReadAllText(Repository.PathTo("docs/protocol.md"));
        return Block().Matches(page).ToDictionary(block => block.Groups[1].Value, block => block.Groups[2].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [GeneratedRegex("^([^\n]+):\n\n```vectors\n(.*?)```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
