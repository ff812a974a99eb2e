using Runnel.Redis.Connections;
using Xunit;

namespace Runnel.Tests.Redis;

public sealed class RedisAddressTests
{
    [Theory]
    [InlineData("redis://cache", "cache", 6379)]
    [InlineData("redis://cache:7000", "cache", 7000)]
    [InlineData("REDIS://127.0.0.1:7000", "127.0.0.1", 7000)]
    [InlineData("redis://[::1]:7000", "::1", 7000)]
    [InlineData("redis://cache/", "cache", 6379)]
    public void An_address_names_host_and_port(string text, string host, int port)
    {
        var address = RedisAddress.Parse(text);

        Assert.Equal((host, port), (address.Host, address.Port));
        Assert.Equal((null, null, null, 0, false), (address.SocketPath, address.User, address.Password, address.Database, address.IsEncrypted));
    }

    [Theory]
    [InlineData("redis://app:secret@cache", "app", "secret")]
    [InlineData("redis://:secret@cache", null, "secret")]
    [InlineData("redis://a%3Ab:p%40ss%2Fw%3Ard%25@cache", "a:b", "p@ss/w:rd%")]
    [InlineData("redis://:%C3%BC%F0%9F%98%80@cache", null, "ü😀")]
    [InlineData("redis://app:a:b@cache", "app", "a:b")]
    [InlineData("redis://app:@cache", "app", "")]
    [InlineData("redis://app@cache", "app", null)]
    public void An_address_names_user_and_password_with_escapes(string text, string? user, string? password)
    {
        var address = RedisAddress.Parse(text);

        Assert.Equal((user, password, "cache"), (address.User, address.Password, address.Host));
    }

    [Theory]
    [InlineData("redis://cache/7", 7)]
    [InlineData("redis://cache?db=7", 7)]
    [InlineData("redis:///run/redis.sock?db=7", 7)]
    public void An_address_names_a_database(string text, int database) => Assert.Equal(database, RedisAddress.Parse(text).Database);

    [Theory]
    [InlineData("redis:///run/redis/redis.sock", null, null, "/run/redis/redis.sock")]
    [InlineData("redis://:secret@/run/redis.sock", null, "secret", "/run/redis.sock")]
    [InlineData("redis://app:a%2Fb@/run/my%20redis.sock?prefix=shop", "app", "a/b", "/run/my redis.sock")]
    public void An_address_may_be_a_unix_socket(string text, string? user, string? password, string path)
    {
        var address = RedisAddress.Parse(text);

        Assert.Equal((user, password, path, ""), (address.User, address.Password, address.SocketPath, address.Host));
    }

    [Fact]
    public void An_address_has_options()
    {
        var address = RedisAddress.Parse("rediss://cache/2?prefix=shop&ca=/etc/ssl/my%20ca.pem&keys=/etc/shop/keys");

        Assert.True(address.IsEncrypted);
        Assert.Equal(("shop", "/etc/ssl/my ca.pem", "/etc/shop/keys", 2), (address.Prefix, address.AuthorityFile, address.KeysFile, address.Database));
    }

    [Theory]
    [InlineData("redis://app:secret@cache:7000/3", "cache:7000")]
    [InlineData("redis://:secret@[::1]", "[::1]:6379")]
    [InlineData("redis://:secret@/run/redis.sock", "/run/redis.sock")]
    public void What_people_see_of_an_address_has_no_password(string text, string expected) =>
        Assert.Equal(expected, RedisAddress.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("cache:6379")]
    [InlineData("http://cache")]
    [InlineData("redis://")]
    [InlineData("redis://:6379")]
    [InlineData("redis://cache:99999")]
    [InlineData("redis://cache/first")]
    [InlineData("redis://cache/-1")]
    [InlineData("redis://cache/1/2")]
    [InlineData("redis://cache?db=x")]
    [InlineData("redis://cache?timeout=5")]
    [InlineData("redis://cache?prefix")]
    [InlineData("redis://cache#prefix=shop")]
    [InlineData("rediss:///run/redis.sock")]
    [InlineData("redis://:sesame/open@cache")]
    [InlineData("redis://:sesame@open@cache:1")]
    [InlineData("redis://:sesame#open@cache")]
    [InlineData("redis://app:12?sesame@cache")]
    [InlineData("redis://app:12/sesame@cache")]
    [InlineData("redis://app:12#sesame@cache")]
    public void What_is_no_address_is_refused_with_a_sentence_that_repeats_no_password(string text)
    {
        var refused = Assert.Throws<FormatException>(() => RedisAddress.Parse(text));

        Assert.Matches(@"^[A-Z'].*\.$", refused.Message);
        Assert.DoesNotContain("sesame", refused.Message, StringComparison.Ordinal);
        Assert.Contains("redis", refused.Message, StringComparison.OrdinalIgnoreCase);
    }
}
