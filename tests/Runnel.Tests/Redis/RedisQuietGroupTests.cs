using Runnel.Layers;
using Runnel.Redis;
using Runnel.Tests.Recovery;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>Redis keeps the time itself: it passes by what is left to each key.</summary>
public sealed class RedisQuietGroupTests(RedisServer server) : QuietGroupSpecification, IClassFixture<RedisServer>, IAsyncDisposable
{
    private readonly RedisPlace _place = new(server);
    private readonly List<RedisBackplane> _opened = [];

    protected override IBackplane Open()
    {
        var backplane = new RedisBackplane(_place.Open());
        _opened.Add(backplane);
        return backplane;
    }

    protected override async Task AdvanceAsync(TimeSpan by)
    {
        await base.AdvanceAsync(by);
        foreach (var key in _place.Probe.Keys($"{_place.Prefix}:*"))
        {
            if (_place.Probe.TimeToLive(key) is { } left)
                _place.Probe.Ask("PEXPIRE", key, $"{(long)(left - by).TotalMilliseconds}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var backplane in _opened)
            await backplane.DisposeAsync();
        await _place.DisposeAsync();
    }
}
