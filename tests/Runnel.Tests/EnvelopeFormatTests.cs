using System.Text;
using Runnel.Layers;
using Xunit;

namespace Runnel.Tests;

public class EnvelopeFormatTests
{
    private static readonly Envelope Full = new(new Message("pay", "{}"u8.ToArray(), new Dictionary<string, string> { ["traceparent"] = "00-a-b-01" }))
    {
        Id = new MessageId(Guid.Parse("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")),
        Channel = "payments",
        SentAt = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000),
        NotBefore = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_001_000),
        ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_002_000),
        Key = "order-7",
        DeduplicationId = "n1",
        DeduplicationWindow = TimeSpan.FromSeconds(300),
        Attempt = 3,
        Crashes = 1,
    };

    [Fact]
    public void As_many_headers_as_are_written_are_read_and_not_one_more()
    {
        var most = Enumerable.Range(0, 64).ToDictionary(i => $"h{i}", _ => "v");
        var bytes = EnvelopeFormat.Encode(new Envelope(new Message("pay", default, most)));
        Assert.Equal(64, EnvelopeFormat.Decode(bytes).Message.Headers.Count);

        var countAt = EnvelopeFormat.FixedLength + 1 + (1 + "pay".Length) + 1 + 1 + 1; // behind channel, type, key, deduplication id and window
        Assert.Equal(64, bytes[countAt]);
        bytes[countAt]++;

        Assert.Throws<FormatException>(() => EnvelopeFormat.Decode((byte[])[.. bytes, 1, (byte)'h', 1, (byte)'v']));
    }

    [Fact]
    public void What_is_encoded_is_decoded_the_same()
    {
        var decoded = EnvelopeFormat.Decode(EnvelopeFormat.Encode(Full));

        Assert.Equal("pay", decoded.Message.Type);
        Assert.Equal("{}", Encoding.UTF8.GetString(decoded.Message.Body.Span));
        Assert.Equal("00-a-b-01", decoded.Message.Headers["traceparent"]);
        Assert.Equal(Full with { }, new Envelope(Full.Message)
        {
            Id = decoded.Id,
            Channel = decoded.Channel,
            SentAt = decoded.SentAt,
            NotBefore = decoded.NotBefore,
            ExpiresAt = decoded.ExpiresAt,
            Key = decoded.Key,
            DeduplicationId = decoded.DeduplicationId,
            DeduplicationWindow = decoded.DeduplicationWindow,
            Attempt = decoded.Attempt,
            Crashes = decoded.Crashes,
        });
    }

    [Theory]
    [InlineData("axbc", "aybc")] // what is remembered of one has the place of the other
    [InlineData("größe", "größe")]
    [InlineData("pay", "pay")]
    public void Types_and_channels_that_look_alike_are_told_apart(string first, string second)
    {
        string[] types = [first, second, first, new('x', 1000)];

        var decoded = types.Select(type => EnvelopeFormat.Decode(EnvelopeFormat.Encode(new(new Message(type, default)) { Channel = type.Length is 3 or 4 ? type : "c" })));

        Assert.Equal(types, decoded.Select(envelope => envelope.Message.Type));
        Assert.Equal([.. types.Select(type => type.Length is 3 or 4 ? type : "c")], decoded.Select(envelope => envelope.Channel!.Value.Value));
    }

    [Fact]
    public void A_type_and_a_channel_that_come_again_are_the_same_string()
    {
        var bytes = EnvelopeFormat.Encode(Full);

        var (first, second) = (EnvelopeFormat.Decode(bytes), EnvelopeFormat.Decode(bytes));

        Assert.Same(first.Message.Type, second.Message.Type);
        Assert.Same(first.Channel!.Value.Value, second.Channel!.Value.Value);
    }

    [Fact]
    public void Times_at_both_ends_are_kept_by_an_envelope()
    {
        DateTimeOffset? first = DateTimeOffset.MinValue, last = DateTimeOffset.MaxValue;

        var envelope = new Envelope(new Message("t", default)) { SentAt = last.Value, NotBefore = first, ExpiresAt = last };

        Assert.Equal((last, first, last), (envelope.SentAt, envelope.NotBefore, envelope.ExpiresAt));
        Assert.Equal((null, null), (new Envelope(new Message("t", default)).NotBefore, (envelope with { ExpiresAt = null }).ExpiresAt));
    }

    [Fact]
    public void The_layout_of_version_1_never_changes()
    {
        var expected = "01000300010000000190a1b2c3d47e5f8a9b0c1d2e3f4a5b"
            + "e86be5cf8b010000" + "d06fe5cf8b010000" + "0068e5cf8b010000"
            + "087061796d656e7473" + "03706179" + "076f726465722d37" + "026e31" + "e0a712"
            + "01" + "0b7472616365706172656e74" + "0930302d612d622d3031" + "7b7d";

        Assert.Equal(expected, Convert.ToHexStringLower(EnvelopeFormat.Encode(Full)));
    }

    [Fact]
    public void Counters_and_times_are_patched_in_place()
    {
        var bytes = EnvelopeFormat.Encode(Full);

        EnvelopeFormat.WriteCounters(bytes, attempt: 70_000, crashes: 2);
        EnvelopeFormat.WriteExpiresAt(bytes, null);

        var decoded = EnvelopeFormat.Decode(bytes);
        Assert.Equal((65_535, 2, null), (decoded.Attempt, decoded.Crashes, decoded.ExpiresAt));
        Assert.Equal("order-7", decoded.Key);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(255)]
    public void An_envelope_of_a_kind_that_is_not_known_is_refused(byte kind)
    {
        var bytes = EnvelopeFormat.Encode(Full);
        bytes[1] = kind;

        var refused = Assert.Throws<FormatException>(() => EnvelopeFormat.Decode(bytes));

        Assert.Contains($"kind {kind}", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(255)]
    public void An_envelope_of_any_other_version_is_refused(byte version)
    {
        var bytes = EnvelopeFormat.Encode(Full);
        bytes[0] = version;

        var refused = Assert.Throws<FormatException>(() => EnvelopeFormat.Decode(bytes));

        Assert.Contains($"version {version}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_no_envelope_are_refused_and_nothing_else_happens()
    {
        var good = EnvelopeFormat.Encode(Full);

        for (var length = 0; length < good.Length - 2; length++)
            Assert.Throws<FormatException>(() => EnvelopeFormat.Decode(good.AsMemory(0, length)));

        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = (byte[])good.Clone();
            for (var k = random.Next(1, 4); k > 0; k--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                EnvelopeFormat.Decode(bytes);
            }
            catch (FormatException)
            {
                // The one answer to nonsense; anything else fails the test.
            }
        }
    }
}
