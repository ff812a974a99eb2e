using System.Text;
using Runnel.Redis.Stores;
using Xunit;

namespace Runnel.Tests.Redis;

public sealed class SealingTests
{
    private static readonly string Key = KeyOf(1), OtherKey = KeyOf(2);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    public void What_is_sealed_can_be_opened_where_it_was_sealed_for(int length)
    {
        var content = new byte[length];
        new Random(length).NextBytes(content);
        var sealing = new Sealing([Key]);

        var stored = sealing.Seal(content, "payments");

        Assert.Equal(content, sealing.Open(stored, "payments").ToArray());
    }

    [Fact]
    public void The_same_is_never_sealed_to_the_same_and_shows_nothing_of_what_it_was()
    {
        var sealing = new Sealing([Key]);

        var (one, two) = (sealing.Seal("attack at dawn"u8.ToArray(), "orders"), sealing.Seal("attack at dawn"u8.ToArray(), "orders"));

        Assert.False(one.Span.SequenceEqual(two.Span));
        Assert.Equal(-1, one.Span.IndexOf("dawn"u8));
        Assert.Equal(-1, one.Span.IndexOf("orders"u8));
    }

    [Fact]
    public void What_another_key_sealed_is_refused_with_what_to_do()
    {
        var stored = new Sealing([OtherKey]).Seal("secret"u8.ToArray(), "payments");

        var refused = Assert.Throws<FormatException>(() => new Sealing([Key]).Open(stored, "payments"));

        Assert.Contains("payments", refused.Message, StringComparison.Ordinal);
        Assert.Contains("EncryptionKeys", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_change_of_any_byte_is_noticed()
    {
        var sealing = new Sealing([Key]);
        var stored = sealing.Seal("pay 100"u8.ToArray(), "payments").ToArray();

        for (var i = 0; i < stored.Length; i++)
        {
            var changed = stored.ToArray();
            changed[i] ^= 1;
            Assert.Throws<FormatException>(() => sealing.Open(changed, "payments"));
        }

        for (var length = 0; length < stored.Length; length++)
            Assert.Throws<FormatException>(() => sealing.Open(stored.AsMemory(0, length), "payments"));
    }

    [Fact]
    public void What_was_moved_to_another_place_is_refused()
    {
        var sealing = new Sealing([Key]);
        var stored = sealing.Seal("pay 100"u8.ToArray(), "payments");

        var refused = Assert.Throws<FormatException>(() => sealing.Open(stored, "refunds"));

        Assert.Contains("stored for something else", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_stored_before_there_was_a_key_is_refused()
    {
        var refused = Assert.Throws<FormatException>(() => new Sealing([Key]).Open(Encoding.UTF8.GetBytes(new string('x', 100)), "payments"));

        Assert.Contains("not encrypted", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_key_put_first_seals_and_the_old_one_still_opens()
    {
        var (before, during, after) = (new Sealing([Key]), new Sealing([OtherKey, Key]), new Sealing([OtherKey]));
        var old = before.Seal("old"u8.ToArray(), "payments");

        var young = during.Seal("young"u8.ToArray(), "payments");

        Assert.Equal("old"u8.ToArray(), during.Open(old, "payments").ToArray());
        Assert.Equal("young"u8.ToArray(), after.Open(young, "payments").ToArray());
        Assert.Throws<FormatException>(() => after.Open(old, "payments"));
    }

    [Fact]
    public void Without_keys_everything_is_stored_as_it_is()
    {
        var sealing = new Sealing([]);

        Assert.False(sealing.IsOn);
        Assert.Equal("plain"u8.ToArray(), sealing.Open(sealing.Seal("plain"u8.ToArray(), "payments"), "payments").ToArray());
        Assert.Equal("key"u8.ToArray(), sealing.NameOf("key"));
    }

    [Fact]
    public void A_name_is_the_same_for_the_same_text_short_for_a_long_one_and_tells_nothing_when_there_are_keys()
    {
        var (open, sealing) = (new Sealing([]), new Sealing([Key]));
        var text = new string('k', 1000);

        Assert.Equal(open.NameOf(text), open.NameOf(text));
        Assert.InRange(open.NameOf(text).Length, 1, 64);
        Assert.NotEqual(open.NameOf(text), open.NameOf(text + "k"));
        Assert.Equal(sealing.NameOf("customer 7"), new Sealing([Key]).NameOf("customer 7"));
        Assert.NotEqual(sealing.NameOf("customer 7"), new Sealing([OtherKey]).NameOf("customer 7"));
        Assert.Equal(-1, sealing.NameOf("customer 7").AsSpan().IndexOf("customer"u8));
    }

    [Theory]
    [InlineData("")]
    [InlineData("not base64 at all, is it?")]
    [InlineData("c2VzYW1lc2VzYW1lc2VzYW1l")]
    [InlineData("c2VzYW1lc2VzYW1lc2VzYW1lc2VzYW1lc2VzYW1lc2VzYW1lc2VzYW1lc2VzYW1l")]
    public void A_key_that_is_none_is_refused_with_a_sentence_that_does_not_repeat_it(string key)
    {
        var refused = Assert.Throws<FormatException>(() => new Sealing([Key, key]));

        Assert.Contains("openssl rand -base64 32", refused.Message, StringComparison.Ordinal);
        if (key.Length > 0)
            Assert.DoesNotContain(key, refused.Message, StringComparison.Ordinal);
    }

    private static string KeyOf(byte value) => Convert.ToBase64String([.. Enumerable.Repeat(value, 32)]);
}
