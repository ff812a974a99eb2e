using System.Text;
using Runnel.Layers;
using Runnel.RabbitMQ.Django;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>Messages of channels_rabbitmq. The vectors are its own (spec/channels-semantics.md, D.4).</summary>
public sealed class DjangoFormatTests
{
    private const string DirectHex =
        "83a474797065ac636861742e6d657373616765a474657874a26869b05f5f617367695f6368616e6e656c5f5fd9226368616e6e656c735f4162436445664768496a4b6c214d6e4f705172537455765778";

    private const string GroupHex = "83a474797065ac636861742e6d657373616765a474657874a2796fae5f5f617367695f67726f75705f5fa463686174";

    private static readonly DjangoAddress Chat = DjangoAddress.OfGroup("chat");
    private static readonly DjangoAddress Direct = DjangoAddress.OfChannel("channels_AbCdEfGhIjKl!MnOpQrStUvWx");

    [Fact]
    public void An_event_has_the_bytes_that_python_gives_it()
    {
        Assert.Equal(DirectHex, Hex(DjangoFormat.Encode(Event("chat.message", """{"text":"hi"}"""), Direct)));
        Assert.Equal(GroupHex, Hex(DjangoFormat.Encode(Event("chat.message", """{"text":"yo"}"""), Chat)));
        Assert.Equal(("chat", "channels_AbCdEfGhIjKl"), (Chat.RoutingKey, Direct.RoutingKey));
    }

    [Fact]
    public void An_event_of_python_has_its_type_and_the_other_entries_as_its_body()
    {
        var (direct, group) = (Decode(DirectHex), Decode(GroupHex));

        Assert.Equal((Direct, Chat), (direct.Address, group.Address));
        Assert.Equal(("chat.message", """{"text":"hi"}"""), (direct.Envelope.Message.Type, Text(direct)));
        Assert.Equal(("chat.message", """{"text":"yo"}"""), (group.Envelope.Message.Type, Text(group)));
        Assert.Equal(EnvelopeKind.Message, group.Envelope.Kind);
    }

    [Theory]
    [InlineData("""{"n":1,"f":1.0,"b":true,"x":null,"l":[1,[2.5,{"deep":{}}]],"s":"<é>\""}""")]
    [InlineData("{}")]
    [InlineData("""{"text":"t","bytes":"b","json":1}""")]
    public void An_events_body_comes_back_as_it_was(string body)
    {
        var message = Decode(Hex(DjangoFormat.Encode(Event("chat.message", body), Chat)));

        Assert.Equal(body, Text(message));
    }

    [Fact]
    public void An_event_without_a_body_has_no_entries() =>
        Assert.Equal("{}", Text(Decode(Hex(DjangoFormat.Encode(new Envelope(new Message("chat.message", default)), Chat)))));

    [Theory]
    [InlineData(EnvelopeKind.TextFrame, "plain", "82" + "a474797065" + "ae776562736f636b65742e73656e64" + "a474657874" + "a26869")]
    [InlineData(EnvelopeKind.TextFrame, "json", "83" + "a474797065" + "ae776562736f636b65742e73656e64" + "a474657874" + "a26869" + "a46a736f6e" + "c3")]
    [InlineData(EnvelopeKind.BinaryFrame, "plain", "82" + "a474797065" + "ae776562736f636b65742e73656e64" + "a56279746573" + "c4026869")]
    public void A_frame_is_what_an_ASGI_application_sends_to_its_server(EnvelopeKind kind, string type, string hex)
    {
        var encoded = Hex(DjangoFormat.Encode(new Envelope(new Message(type, "hi"u8.ToArray()), kind), Chat));
        var decoded = Decode(encoded);

        var entries = Convert.FromHexString(hex);
        entries[0]++; // the group's
        Assert.Equal(Convert.ToHexStringLower(entries) + "ae5f5f617367695f67726f75705f5fa463686174", encoded);
        Assert.Equal((kind, type, "hi"), (decoded.Envelope.Kind, decoded.Envelope.Message.Type, Text(decoded)));
    }

    [Fact]
    public void A_frame_of_python_may_have_a_None_beside_what_it_sends()
    {
        // {"type": "websocket.send", "text": None, "bytes": b"\x01", "__asgi_group__": "chat"}
        var message = Decode("84a474797065ae776562736f636b65742e73656e64a474657874c0a56279746573c40101ae5f5f617367695f67726f75705f5fa463686174");

        Assert.Equal((EnvelopeKind.BinaryFrame, 1), (message.Envelope.Kind, message.Envelope.Message.Body.Length));
    }

    [Fact]
    public void Headers_travel_in_an_entry_of_their_own()
    {
        var headers = new Dictionary<string, string> { ["traceparent"] = "00-1", ["b"] = "é" };

        var message = Decode(Hex(DjangoFormat.Encode(new Envelope(new Message("chat.message", "{}"u8.ToArray(), headers)), Direct)));

        Assert.Equal(headers, message.Envelope.Message.Headers);
        Assert.Equal("{}", Text(message));
    }

    [Theory]
    [InlineData("chat.message", "[1]", "its body is not a JSON object")]
    [InlineData("chat.message", "\"text\"", "its body is not a JSON object")]
    [InlineData("chat.message", "nonsense", "its body is not JSON")]
    [InlineData("chat.message", """{"n":18446744073709551616}""", "the number 18446744073709551616 is too large")]
    [InlineData("chat.message", """{"n":1e999}""", "the number 1e999 is too large")]
    [InlineData("chat.message", """{"s":"\ud800"}""", "half of a surrogate pair")]
    [InlineData("chat.message", """{"\ud800":1}""", "half of a surrogate pair")]
    [InlineData("chat.message", """{"type":"other"}""", "its body has a property 'type'")]
    [InlineData("chat.message", """{"__asgi_group__":"other"}""", "its body has a property '__asgi_group__'")]
    [InlineData("websocket.send", """{"text":"hi"}""", "'websocket.send' is the type of frames")]
    [InlineData("runnel:gap", "", "it is between nodes of Runnel")]
    public void What_django_could_not_read_is_refused_with_a_sentence(string type, string body, string why)
    {
        var refused = Assert.Throws<ArgumentException>(() => DjangoFormat.Encode(Event(type, body), Chat));

        Assert.StartsWith($"The message '{type}' for group 'chat' cannot go to Django: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("90", "kind Array where one of kind Map")]
    [InlineData("80", "no type")]
    [InlineData("82a474797065a0ae5f5f617367695f67726f75705f5fa463686174", "no type")]
    [InlineData("82a47479706501ae5f5f617367695f67726f75705f5fa463686174", "kind Integer")]
    [InlineData("81a474797065a161", "no group and no channel")]
    [InlineData("83a474797065a161ae5f5f617367695f67726f75705f5fa163b05f5f617367695f6368616e6e656c5f5fa3632164", "or for both")]
    [InlineData("82a474797065a161ae5f5f617367695f67726f75705f5fa3632164", "name is not valid")]
    [InlineData("82a474797065a161b05f5f617367695f6368616e6e656c5f5fa163", "name is not valid")]
    [InlineData("82a474797065ae776562736f636b65742e73656e64ae5f5f617367695f67726f75705f5fa163", "neither text nor bytes")]
    [InlineData(GroupHex + "00", "more behind the message")]
    [InlineData("83a474797065a161a166cb7ff8000000000000ae5f5f617367695f67726f75705f5fa163", "NaN")]
    public void What_is_no_message_is_refused_with_a_sentence(string hex, string why) =>
        Assert.Contains(why, Assert.Throws<FormatException>(() => Decode(hex)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_message_that_was_damaged_on_the_way_never_throws_anything_else()
    {
        var whole = Convert.FromHexString(DirectHex);

        for (var at = 0; at < whole.Length; at++)
        {
            for (var value = 0; value <= byte.MaxValue; value++)
            {
                byte[] damaged = [.. whole[..at], (byte)value, .. whole[(at + 1)..]];
                Assert.True(Record.Exception(() => DjangoFormat.Decode(damaged)) is null or FormatException, Convert.ToHexString(damaged));
            }
        }
    }

    private static Envelope Event(string type, string body) => new(new Message(type, Encoding.UTF8.GetBytes(body)));

    private static DjangoMessage Decode(string hex) => DjangoFormat.Decode(Convert.FromHexString(hex));

    private static string Text(DjangoMessage message) => Encoding.UTF8.GetString(message.Envelope.Message.Body.Span);

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(bytes.Span);
}
