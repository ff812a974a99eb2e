using Runnel.Layers;
using Xunit;

namespace Runnel.Tests;

public class GlobTests
{
    [Theory]
    [InlineData("payments", "payments", true)]
    [InlineData("payments", "payments2", false)]
    [InlineData("payments", "Payments", false)]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("*", "", true)]
    [InlineData("*", "anything at all", true)]
    [InlineData("web*", "websocket.connect", true)]
    [InlineData("web*", "Websocket", false)]
    [InlineData("*.connect", "websocket.connect", true)]
    [InlineData("*.connect", "websocket.connected", false)]
    [InlineData("a*b*c", "axxbxxbc", true)]
    [InlineData("a*b*c", "axxbxxb", false)]
    [InlineData("?", "a", true)]
    [InlineData("?", "", false)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "ac", false)]
    [InlineData("[abc]x", "bx", true)]
    [InlineData("[abc]x", "dx", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[a-c]x", "dx", false)]
    [InlineData("[!a-c]x", "dx", true)]
    [InlineData("[!a-c]x", "bx", false)]
    [InlineData("[a-c0-9_]", "7", true)]
    [InlineData("[a-]", "-", true)]
    [InlineData("[-a]", "-", true)]
    [InlineData("[]a]", "]", true)]
    [InlineData("[!]a]", "b", true)]
    [InlineData("[!]a]", "]", false)]
    [InlineData("[z-a]", "m", false)]
    [InlineData("[abc", "[abc", true)]
    [InlineData("[", "[", true)]
    [InlineData("[!", "[!", true)]
    [InlineData("[]", "[]", true)]
    [InlineData("http.response!*", "http.response!9a", true)]
    [InlineData("http.response!*", "http.response", false)]
    [InlineData("a.c", "abc", false)]
    public void A_glob_fits_what_a_shell_would_say(string pattern, string text, bool fits) =>
        Assert.Equal(fits, new Glob(pattern).IsMatch(text));

    [Fact]
    public async Task A_hostile_pattern_takes_no_more_than_its_length_times_the_texts()
    {
        var glob = new Glob(string.Concat(Enumerable.Repeat("*a", 500)) + "b");

        // Tried with backtracking into every star, this would outlast the universe.
        var matching = Task.Run(() => glob.IsMatch(new string('a', 2_000)));

        Assert.False(await Specification.Wait.For(matching, "the match"));
    }
}
