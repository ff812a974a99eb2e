using Xunit;

namespace Runnel.Tests.House;

/// <summary>Each package's public API is a file beside it, so that a change to it is seen in the diff of the change that makes it.</summary>
public sealed class PublicApiTests
{
    private const string Accept = "UPDATE_PUBLIC_API";

    public static TheoryData<string> Packages => [.. Repository.Packages];

    [Theory]
    [MemberData(nameof(Packages))]
    public void The_public_api_is_what_its_file_says(string package)
    {
        var file = Repository.PathTo($"src/{package}/PublicApi.txt");
        var now = PublicApi.Of(Package.AssemblyOf(package));

        if (Environment.GetEnvironmentVariable(Accept) is { Length: > 0 })
            File.WriteAllText(file, now);

        var written = File.Exists(file) ? File.ReadAllText(file) : "";
        Assert.True(
            written == now,
            $"The public API of {package} is not what src/{package}/PublicApi.txt says. If this is what you mean, run {Accept}=1 ./test PublicApi and commit the file."
            + Environment.NewLine + Difference(written, now));
    }

    // Lines that only one side has, each below its type; enough to see what happened, and git shows the rest.
    private static string Difference(string before, string after)
    {
        var (old, present) = (Qualify(before), Qualify(after));
        var gone = old.Except(present).Select(line => "- " + line);
        var come = present.Except(old).Select(line => "+ " + line);
        var all = gone.Concat(come).OrderBy(line => line[2..], StringComparer.Ordinal).ToList();
        return string.Join(Environment.NewLine, all.Take(40)) + (all.Count > 40 ? $"{Environment.NewLine}… and {all.Count - 40} more lines" : "");
    }

    private static List<string> Qualify(string text)
    {
        var (lines, type) = (new List<string>(), "");
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith(' '))
            {
                lines.Add($"{type}: {line.Trim()}");
                continue;
            }
            type = line;
            lines.Add(line);
        }
        return lines;
    }
}
