using System.Buffers;
using System.Text;
using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
using Xunit;

namespace Runnel.Tests.Redis;

public sealed class RespTests
{
    // Every type of RESP3, and what it is read as.
    public static TheoryData<string, string> Replies => new()
    {
        { "+OK\r\n", "Text OK" },
        { "-WRONGPASS invalid\r\n", "Error WRONGPASS invalid" },
        { ":-42\r\n", "Number -42" },
        { ":9223372036854775807\r\n", "Number 9223372036854775807" },
        { "$5\r\nhel\r\n\r\n", "Text hel\r\n" },
        { "$0\r\n\r\n", "Text " },
        { "$-1\r\n", "Null " },
        { "*-1\r\n", "Null " },
        { "_\r\n", "Null " },
        { "#t\r\n", "Number 1" },
        { "#f\r\n", "Number 0" },
        { ",-1.5e3\r\n", "Text -1.5e3" },
        { "(3492890328409238509324850943850943825024385\r\n", "Text 3492890328409238509324850943850943825024385" },
        { "=15\r\ntxt:Some string\r\n", "Text Some string" },
        { "!9\r\nERR wrong\r\n", "Error ERR wrong" },
        { "*0\r\n", "List []" },
        { "*3\r\n:1\r\n$-1\r\n*2\r\n+a\r\n+b\r\n", "List [1, , [a, b]]" },
        { "~2\r\n+a\r\n:2\r\n", "List [a, 2]" },
        { "%2\r\n+one\r\n:1\r\n+two\r\n*1\r\n:2\r\n", "List [one, 1, two, [2]]" },
        { ">3\r\n+message\r\n$1\r\nc\r\n$2\r\nhi\r\n", "Push [message, c, hi]" },
        { "|1\r\n+ttl\r\n:3600\r\n*1\r\n|1\r\n+a\r\n+b\r\n:7\r\n", "List [7]" },
    };

    public static TheoryData<string> Nonsense =>
    [
        "HTTP/1.1 400 Bad Request\r\n",
        "\u0015\u0003\u0001\r\n", // an alert of TLS
        "\r\n",
        ":\r\n",
        ":one\r\n",
        ":1 \r\n",
        ":123456789012345678901234567890\r\n",
        "#\r\n",
        "#maybe\r\n",
        "$-2\r\n",
        "$999999999999\r\n",
        "$3\r\nabcde\r\n",
        "!-1\r\n",
        "=-1\r\n",
        "=2\r\nab\r\n",
        "*-2\r\n",
        "%-1\r\n",
        string.Concat(Enumerable.Repeat("*1\r\n", 50)),
    ];

    [Theory]
    [MemberData(nameof(Replies))]
    public void A_reply_of_any_type_is_read(string reply, string expected)
    {
        var received = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(reply + ":1\r\n"));

        Assert.True(RespReader.TryRead(ref received, out var value));

        Assert.Equal(expected, Describe(value));
        Assert.Equal(":1\r\n", Encoding.UTF8.GetString(received.ToArray()));
    }

    [Theory]
    [MemberData(nameof(Replies))]
    public void A_reply_is_read_wherever_it_was_split_and_not_before_it_is_whole(string reply, string expected)
    {
        var bytes = Encoding.UTF8.GetBytes(reply);

        for (var whole = 1; whole < bytes.Length; whole++)
        {
            var part = Pieces(bytes[..whole], 1);
            Assert.False(RespReader.TryRead(ref part, out _), $"{whole} bytes were taken for all of it.");
            Assert.Equal(whole, part.Length);
        }

        for (var size = 1; size <= bytes.Length; size++)
        {
            var received = Pieces(bytes, size);
            Assert.True(RespReader.TryRead(ref received, out var value));
            Assert.Equal(expected, Describe(value));
            Assert.True(received.IsEmpty);
        }
    }

    [Theory]
    [MemberData(nameof(Nonsense))]
    public void What_is_no_reply_is_refused(string nonsense)
    {
        var bytes = Encoding.Latin1.GetBytes(nonsense);
        for (var size = 1; size <= bytes.Length; size++)
            Assert.Throws<FormatException>(() => Read(Pieces(bytes, size)));
    }

    [Fact]
    public void A_line_without_an_end_is_refused_before_it_fills_the_memory()
    {
        var line = new ReadOnlySequence<byte>(Encoding.ASCII.GetBytes("+" + new string('a', 1024 * 1024)));

        Assert.Throws<FormatException>(() => Read(line));
    }

    [Fact]
    public void A_value_that_is_not_what_was_expected_says_so()
    {
        Assert.Contains("a list", Assert.Throws<FormatException>(() => RespValue.OfNumber(1).Items).Message, StringComparison.Ordinal);
        Assert.Contains("a text", Assert.Throws<FormatException>(() => default(RespValue).Bytes).Message, StringComparison.Ordinal);
        Assert.Throws<FormatException>(() => RespValue.OfText("x"u8.ToArray()).AsNumber());
    }

    [Fact]
    public void A_command_is_an_array_of_texts_that_the_reader_reads_back()
    {
        var body = new byte[100_000];
        new Random(1).NextBytes(body);
        var writer = new RespWriter(parts: 6, sizeHint: 1);

        writer.Add("EVALSHA"u8);
        writer.Add("ключ");
        writer.Add(long.MinValue);
        writer.Add([]);
        body.CopyTo(writer.AddEmpty(body.Length));
        var mark = writer.NextShortPart;
        writer.Add("0"u8);

        var written = new ReadOnlySequence<byte>(writer.Written);
        Assert.True(RespReader.TryRead(ref written, out var value));
        Assert.True(written.IsEmpty);
        Assert.Equal(["EVALSHA", "ключ", $"{long.MinValue}", ""], value.Items[..4].Select(item => item.ToString()));
        Assert.Equal(body, value.Items[4].Bytes);
        Assert.Equal((byte)'0', writer.Written.Span[mark]);
    }

    [Fact]
    public void A_command_that_may_have_been_done_already_says_so_and_the_one_that_was_sent_stays_as_it_was()
    {
        var writer = new RespWriter(parts: 2);
        writer.Add("RUN"u8);
        var mark = writer.NextShortPart;
        writer.Add("0"u8);
        var command = new RedisCommand(writer.Written, mark);
        var sent = command.Bytes;

        command.MarkRepeated();

        Assert.Equal("*2\r\n$3\r\nRUN\r\n$1\r\n1\r\n", Encoding.ASCII.GetString(command.Bytes.Span));
        Assert.Equal("*2\r\n$3\r\nRUN\r\n$1\r\n0\r\n", Encoding.ASCII.GetString(sent.Span));
    }

    private static bool Read(ReadOnlySequence<byte> received) => RespReader.TryRead(ref received, out _);

    private static string Describe(RespValue value) => $"{value.Kind} {value}";

    private static ReadOnlySequence<byte> Pieces(byte[] bytes, int size)
    {
        Piece? first = null, last = null;
        foreach (var chunk in bytes.Chunk(size))
        {
            last = new Piece(chunk, last);
            first ??= last;
        }
        return new(first!, 0, last!, last!.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(byte[] bytes, Piece? before)
        {
            Memory = bytes;
            if (before is null)
                return;
            before.Next = this;
            RunningIndex = before.RunningIndex + before.Memory.Length;
        }
    }
}
