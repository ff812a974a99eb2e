using System.Text.RegularExpressions;

namespace Runnel.Tests.House;

/// <summary>The types that a source file declares, nested ones left out.</summary>
internal static partial class Declarations
{
    public static IEnumerable<(bool IsPublic, string Name)> In(string file) =>
        TopLevelType().Matches(File.ReadAllText(file)).Select(match => (match.Groups["access"].Value == "public", match.Groups["name"].Value));

    // Types of the file itself stand at the margin, for namespaces are file-scoped.
    [GeneratedRegex(@"^(?<access>public|internal)\s+(?:(?:static|sealed|abstract|partial|readonly|ref|unsafe)\s+)*(?:class|struct|interface|enum|record(?:\s+(?:class|struct))?|delegate\s+[\w<>?,. ]+?)\s+(?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex TopLevelType();
}
