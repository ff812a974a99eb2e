using Microsoft.Extensions.Hosting;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Tests.Redis;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>The test's clock in place of the server's, so that time moves when the test says so.</summary>
public sealed class RedisWorkersTests : WorkersSpecification, IClassFixture<RedisServer>
{
    private readonly RedisPlace _place;
    private readonly List<IAsyncDisposable> _opened = [];

    public RedisWorkersTests(RedisServer server) => _place = new RedisPlace(server, Clock);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var opened in _opened)
            await opened.DisposeAsync();
        await _place.DisposeAsync();
    }

    protected override (IBackplane Backplane, IWorkQueue Queue) OpenLayer()
    {
        var store = _place.Open();
        var (backplane, queue) = (new RedisBackplane(store), new RedisWorkQueue(store));
        _opened.AddRange([queue, backplane]);
        return (backplane, queue);
    }

    protected override Task CrashAsync(IWorkQueue queue, IWorkReceiver lease) => _place.CrashAsync([(RedisWorkQueue)queue], lease);

    [Fact]
    public async Task What_is_left_when_all_is_handled_goes_by_itself()
    {
        var handled = new Inbox<string>();
        var app = await StartAsync(host => host.MapChannel("payments", (Pay pay) =>
        {
            handled.Add(pay.Order);
            return Task.CompletedTask;
        }, options =>
        {
            Track(options);
            options.Ordered = true;
        }));

        await app.Channels.SendManyAsync("payments", Enumerable.Range(0, 50).Select(number => new Pay($"{number}")), new SendOptions { Key = "k" });
        await handled.NextAsync(50);
        await NothingHeldAsync(app);
        await app.StopAsync();

        // The list of channels is swept; of the others Redis knows when they end.
        Assert.Equal(0, app.RunningJobs);
        Assert.All(
            _place.Kept.Where(key => key != $"{_place.Prefix}:channels"),
            key => Assert.True(_place.Probe.TimeToLive(key) is not null, $"{key} would stay for ever."));
    }
}
