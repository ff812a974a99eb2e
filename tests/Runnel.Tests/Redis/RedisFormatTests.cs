using Runnel.Layers;
using Runnel.Redis;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>Data say which format they have, also those that were stored before there was one.</summary>
public sealed class RedisFormatTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncDisposable
{
    private readonly RedisPlace _place = new(server);

    private string? Format => _place.Probe.Text("GET", $"{_place.Prefix}:format");

    private string Identity => $"{_place.Prefix}:identity";

    [Theory]
    [InlineData("identity", "SET", "some")]
    [InlineData("channels", "ZADD", "1", "work")]
    public async Task Data_that_were_stored_before_there_was_a_format_have_one_once_they_are_opened(string key, string command, params string[] values)
    {
        _place.Probe.Ask([command, $"{_place.Prefix}:{key}", .. values]);

        await _place.Open().OpenAsync();

        Assert.Equal("1", Format);
    }

    [Fact]
    public async Task Data_of_which_only_the_identity_was_noted_have_a_format_once_it_is_read()
    {
        _place.Probe.Ask("SET", Identity, "some");

        var identity = await _place.Open().GetIdentityAsync(CancellationToken.None);

        Assert.Equal("redis/some", identity);
        Assert.Equal("1", Format);
    }

    [Fact]
    public async Task A_history_has_a_format()
    {
        await using var backplane = new RedisBackplane(_place.Open());

        await backplane.PublishAsync(Topic.OfGroup("g"), "hello"u8.ToArray(), new Retention(1, TimeSpan.FromMinutes(1)));

        Assert.Equal("1", Format);
    }

    [Fact]
    public async Task Data_whose_format_cannot_be_noted_now_are_opened()
    {
        await _place.Open().OpenAsync(); // which notes the server
        _place.Probe.Ask("SET", Identity, "some");
        _place.Probe.Configure("min-replicas-to-write", "1"); // NOREPLICAS

        var store = _place.Open();
        await store.OpenAsync();

        Assert.Equal("redis/some", await store.GetIdentityAsync(CancellationToken.None));
        Assert.Null(Format);
    }

    [Fact]
    public async Task A_version_that_is_faster_with_another_format_is_noticed_when_the_identity_is_read()
    {
        var store = _place.Open();
        await store.OpenAsync();
        _place.Probe.Ask("SET", $"{_place.Prefix}:format", "2");

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => store.GetIdentityAsync(CancellationToken.None));

        Assert.Contains("format 2", failure.Message, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        _place.Probe.Configure("min-replicas-to-write", "0");
        await _place.DisposeAsync();
    }
}
