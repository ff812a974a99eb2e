using System.Buffers;
using System.Text;
using System.Text.Json;
using Runnel.RabbitMQ.Django;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>MessagePack as Python's msgpack 1.0 writes and reads it. The vectors are its own (spec/channels-semantics.md, D.0).</summary>
public sealed class MessagePackTests
{
    [Theory]
    [InlineData("{}", "80")]
    [InlineData("""{"type":"chat.message","text":"hi"}""", "82a474797065ac636861742e6d657373616765a474657874a26869")]
    [InlineData("""{"a":true,"b":null,"c":{"d":[]}}""", "83a161c3a162c0a16381a16490")]
    [InlineData("""{"i":0}""", "81a16900")]
    [InlineData("""{"i":127}""", "81a1697f")]
    [InlineData("""{"i":128}""", "81a169cc80")]
    [InlineData("""{"i":255}""", "81a169ccff")]
    [InlineData("""{"i":256}""", "81a169cd0100")]
    [InlineData("""{"i":65535}""", "81a169cdffff")]
    [InlineData("""{"i":65536}""", "81a169ce00010000")]
    [InlineData("""{"i":4294967295}""", "81a169ceffffffff")]
    [InlineData("""{"i":4294967296}""", "81a169cf0000000100000000")]
    [InlineData("""{"i":9223372036854775807}""", "81a169cf7fffffffffffffff")]
    [InlineData("""{"i":18446744073709551615}""", "81a169cfffffffffffffffff")]
    [InlineData("""{"i":-1}""", "81a169ff")]
    [InlineData("""{"i":-32}""", "81a169e0")]
    [InlineData("""{"i":-33}""", "81a169d0df")]
    [InlineData("""{"i":-128}""", "81a169d080")]
    [InlineData("""{"i":-129}""", "81a169d1ff7f")]
    [InlineData("""{"i":-32768}""", "81a169d18000")]
    [InlineData("""{"i":-32769}""", "81a169d2ffff7fff")]
    [InlineData("""{"i":-2147483648}""", "81a169d280000000")]
    [InlineData("""{"i":-2147483649}""", "81a169d3ffffffff7fffffff")]
    [InlineData("""{"i":-9223372036854775808}""", "81a169d38000000000000000")]
    [InlineData("""{"f":1.5}""", "81a166cb3ff8000000000000")]
    [InlineData("""{"f":0.1}""", "81a166cb3fb999999999999a")]
    [InlineData("""{"f":2.0}""", "81a166cb4000000000000000")]
    [InlineData("""{"f":-0.0}""", "81a166cb8000000000000000")]
    [InlineData("""{"l":[1,2,3]}""", "81a16c93010203")]
    [InlineData("""{"type":"generate","id":123456789}""", "82a474797065a867656e6572617465a26964ce075bcd15")]
    public void A_value_has_the_bytes_that_python_gives_it_and_comes_back(string json, string hex)
    {
        Assert.Equal(hex, Hex(json));
        Assert.Equal(json, Json(hex));
    }

    [Fact]
    public void A_text_is_UTF8()
    {
        Assert.Equal("a6c3a9f09f9880", Hex("\"é😀\""));
        Assert.Equal("é😀", JsonSerializer.Deserialize<string>(Json("a6c3a9f09f9880")));
    }

    [Theory]
    [InlineData(31, "bf")]
    [InlineData(32, "d920")]
    [InlineData(255, "d9ff")]
    [InlineData(256, "da0100")]
    [InlineData(65_536, "db00010000")]
    public void A_text_begins_with_the_shortest_form_of_its_length(int length, string begin)
    {
        var json = JsonSerializer.Serialize(new string('x', length));
        var hex = begin + new string('7', length * 2).Replace("77", "78", StringComparison.Ordinal);

        Assert.Equal(hex, Hex(json));
        Assert.Equal(json, Json(hex));
    }

    [Theory]
    [InlineData(15, "9f", "8f")]
    [InlineData(16, "dc0010", "de0010")]
    [InlineData(65_536, "dd00010000", "df00010000")]
    public void Lists_and_maps_begin_with_the_shortest_form_of_their_length(int count, string list, string map)
    {
        var array = $"[{string.Join(',', Enumerable.Repeat("1", count))}]";
        var entries = $"{{{string.Join(',', Enumerable.Range(0, count).Select(i => $"\"{i}\":1"))}}}";

        Assert.StartsWith(list, Hex(array), StringComparison.Ordinal);
        Assert.Equal(array, Json(Hex(array)));
        Assert.StartsWith(map, Hex(entries), StringComparison.Ordinal);
        Assert.Equal(entries, Json(Hex(entries)));
    }

    [Theory]
    [InlineData(0, "c400")]
    [InlineData(2, "c402")]
    [InlineData(256, "c50100")]
    [InlineData(65_536, "c600010000")]
    public void Bytes_are_never_a_text_and_come_as_base64(int length, string begin)
    {
        var writer = new MessagePackWriter();

        writer.WriteBinary(new byte[length]);

        Assert.StartsWith(begin, Convert.ToHexStringLower(writer.Written.Span), StringComparison.Ordinal);
        Assert.Equal(new byte[length], JsonSerializer.Deserialize<byte[]>(Json(Convert.ToHexStringLower(writer.Written.Span))));
    }

    [Theory]
    [InlineData("ca3fc00000", "1.5")]
    [InlineData("d3ffffffffffffffff", "-1")]
    [InlineData("cf0000000000000001", "1")]
    [InlineData("d00f", "15")]
    [InlineData("81c401611a", """{"a":26}""")]
    [InlineData("c40200ff", "\"AP8=\"")]
    [InlineData("d90161", "\"a\"")]
    [InlineData("cb54b249ad2594c37d", "1E+100")]
    public void Forms_that_python_does_not_write_but_reads_are_read(string hex, string json) => Assert.Equal(json, Json(hex));

    [Theory]
    [InlineData("", "ends in the middle")]
    [InlineData("81", "ends in the middle")]
    [InlineData("81a161", "ends in the middle")]
    [InlineData("a56162", "ends in the middle")]
    [InlineData("dfffffffff", "ends in the middle")]
    [InlineData("ddffffffff01", "ends in the middle")]
    [InlineData("dbffffffff61", "ends in the middle")]
    [InlineData("c6ffffffff61", "ends in the middle")]
    [InlineData("cf00000000", "ends in the middle")]
    [InlineData("c1", "c1")]
    [InlineData("d6ff00000000", "extension")]
    [InlineData("c7010000", "extension")]
    [InlineData("810101", "kind Integer where one of kind Text")]
    [InlineData("81c001", "kind Nil where one of kind Text")]
    [InlineData("a2c328", "not UTF-8")]
    [InlineData("81c402c32801", "not UTF-8")]
    [InlineData("cb7ff0000000000000", "Infinity")]
    [InlineData("cb7ff8000000000000", "NaN")]
    public void What_is_malformed_or_has_no_like_in_JSON_is_refused_with_a_sentence(string hex, string why) =>
        Assert.Contains(why, Assert.Throws<FormatException>(() => Json(hex)).Message, StringComparison.Ordinal);

    [Fact]
    public void Nesting_has_an_end()
    {
        string Nested(int depth) => string.Concat(Enumerable.Repeat("91", depth - 1)) + "90";

        Assert.Equal(new string('[', 64) + new string(']', 64), Json(Nested(64)));
        Assert.Contains("64 deep", Assert.Throws<FormatException>(() => Json(Nested(66))).Message, StringComparison.Ordinal);
        Assert.Throws<FormatException>(() => Json(Nested(200_000)));
        Assert.Throws<FormatException>(() =>
        {
            var reader = new MessagePackReader(Convert.FromHexString(Nested(200_000)));
            reader.Skip(depth: 1);
        });
    }

    [Fact]
    public void Nonsense_never_throws_anything_else()
    {
        var random = new Random(1);

        for (var i = 0; i < 20_000; i++)
        {
            var bytes = new byte[random.Next(40)];
            random.NextBytes(bytes);
            Assert.True(Record.Exception(() => Json(Convert.ToHexString(bytes))) is null or FormatException, Convert.ToHexString(bytes));
        }
    }

    private static string Hex(string json)
    {
        using var document = JsonDocument.Parse(json);
        var writer = new MessagePackWriter();
        JsonToMessagePack.Copy(document.RootElement, writer);
        return Convert.ToHexStringLower(writer.Written.Span);
    }

    private static string Json(string hex)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true }))
        {
            var reader = new MessagePackReader(Convert.FromHexString(hex));
            MessagePackToJson.Copy(ref reader, json, depth: 1);
        }
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }
}
