using System.Text;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>Which first messages are a hello (docs/protocol.md).</summary>
public sealed class ClientHelloTests
{
    [Theory]
    [InlineData(7, false)]
    [InlineData(8, true)]
    [InlineData(64, true)]
    [InlineData(65, false)]
    public void A_client_calls_itself_by_8_to_64_characters(int length, bool isHello) => Assert.Equal(isHello, IsHello($$$"""{"hello":{"version":1,"client":"{{{new string('c', length)}}}"}}"""));

    [Fact]
    public void A_text_is_as_long_as_what_it_says_however_it_is_escaped() =>
        Assert.True(IsHello($$$"""{"hello":{"version":1,"client":"{{{string.Concat(Enumerable.Repeat("\\u0063", 64))}}}"}}"""));

    [Theory]
    [InlineData("stream", 256)]
    [InlineData("position", 64)]
    [InlineData("seal", 512)]
    public void The_texts_of_a_position_are_bounded(string name, int most)
    {
        Assert.True(IsHello(Positions(name, most)));
        Assert.False(IsHello(Positions(name, most + 1)));

        static string Positions(string name, int length)
        {
            var texts = new Dictionary<string, string> { ["stream"] = "s", ["position"] = "t.1:1", ["seal"] = "x" };
            texts[name] = new string('x', length);
            return $$$"""{"hello":{"version":1,"client":"1f6b0c9e","positions":[{{{{string.Join(',', texts.Select(text => $"\"{text.Key}\":\"{text.Value}\""))}}}}]}}""";
        }
    }

    [Theory]
    [InlineData("7")]
    [InlineData("null")]
    [InlineData("[]")]
    public void A_position_that_is_no_object_makes_it_no_hello(string position) =>
        Assert.False(IsHello($$$"""{"hello":{"version":1,"client":"1f6b0c9e","positions":[{{{position}}}]}}"""));

    [Fact]
    public void A_hello_has_as_many_bytes_as_it_may_have_and_no_more()
    {
        var hello = """{"hello":{"version":1,"client":"1f6b0c9e"}}""";

        Assert.True(IsHello(hello.PadRight(ClientHello.MaxBytes)));
        Assert.False(IsHello(hello.PadRight(ClientHello.MaxBytes + 1)));
    }

    private static bool IsHello(string text) => ClientHello.TryRead(Encoding.UTF8.GetBytes(text), out _);
}
