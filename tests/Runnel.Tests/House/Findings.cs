using Xunit;

namespace Runnel.Tests.House;

/// <summary>What a rule of the house found.</summary>
internal static class Findings
{
    public static void AssertNone(IEnumerable<string> found, string sentence)
    {
        var all = found.Order(StringComparer.Ordinal).ToList();
        Assert.True(all.Count == 0, $"{sentence}:{Environment.NewLine}  {string.Join(Environment.NewLine + "  ", all)}");
    }
}
