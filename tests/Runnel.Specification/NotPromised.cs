using Xunit;

namespace Runnel.Specification;

/// <summary>Notes in a test's result that the layer does not make the promise which the test is about.</summary>
/// <remarks>Which layer makes which promises is a table in docs/layer-specification.md.</remarks>
internal static class NotPromised
{
    public static void Note(string feature) => TestContext.Current.AddWarning($"This layer does not promise {feature}.");

    /// <summary>Notes that the layer promises it, and why this test cannot show it there.</summary>
    public static void NotShown(string why) => TestContext.Current.AddWarning($"Not shown on this layer: {why}");

    public static void Note(string feature, Exception refusal)
    {
        Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
        Assert.True(refusal.Message.Contains(' ', StringComparison.Ordinal), "A refusal is a sentence that says what the layer cannot do.");
        TestContext.Current.AddWarning($"This layer does not promise {feature}, and says so: {refusal.Message}");
    }
}
