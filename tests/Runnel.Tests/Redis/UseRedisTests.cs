using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Runnel.Layers;
using Runnel.Redis;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>What the code of an application says of its Redis, beside what its command line says.</summary>
public sealed class UseRedisTests(RedisServer redis) : IClassFixture<RedisServer>
{
    [Theory]
    [InlineData("", "of-the-code")]
    [InlineData("?prefix=of-the-address", "of-the-address")]
    public async Task The_options_of_the_code_hold_for_whichever_redis_is_named(string options, string prefix)
    {
        var services = new ServiceCollection().AddSingleton<IConfiguration>(
            new ConfigurationBuilder().AddInMemoryCollection([new("layer", redis.Address + options)]).Build());
        services.AddRunnelCore().UseRedis("redis://elsewhere", of => of.Prefix = "of-the-code");
        await using var provider = services.BuildServiceProvider();
        var layer = provider.GetRequiredService<ConfiguredLayer>();

        await layer.OpenAsync();
        await layer.Backplane.PublishAsync(Topic.OfGroup("news"), default, new Retention(1, TimeSpan.FromMinutes(1)));

        using var probe = redis.Connect();
        Assert.True(probe.Exists($"{prefix}:{{group:news}}:log"));
    }

    [Theory]
    [InlineData(false, false, "of-the-code")]
    [InlineData(false, true, "of-the-second")]
    [InlineData(true, false, "of-the-code")]
    [InlineData(true, true, "of-the-second")]
    public async Task The_options_of_the_code_hold_for_queues_and_states_too_unless_these_have_some_of_their_own(bool isState, bool hasOwn, string prefix)
    {
        var services = new ServiceCollection();
        var builder = services.AddRunnelCore().UseRedis("redis://cache", of => of.Prefix = "of-the-code");
        Action<RedisOptions>? own = hasOwn ? of => of.Prefix = "of-the-second" : null;
        _ = isState ? builder.UseRedisState("redis://elsewhere", own) : builder.UseRedisQueues("redis://elsewhere", own);
        await using var provider = services.BuildServiceProvider();
        var options = provider.GetRequiredService<IOptions<LayerOptions>>().Value;

        foreach (var scheme in (string[])["redis", "rediss"])
        {
            await using var layer = options.Factories[scheme].Create("redis://elsewhere", TimeProvider.System, NullLoggerFactory.Instance);
            Assert.Equal(prefix, Assert.IsType<RedisStore>(layer.Owned).Options.Prefix);
        }
        Assert.Equal(("redis://cache", "redis://elsewhere"), (options.Address, isState ? options.StateAddress : options.QueueAddress));
    }

    [Fact]
    public async Task Layers_on_one_prefix_have_one_identity_however_their_addresses_are_written()
    {
        var factory = new RedisLayerFactory();
        Task<string> IdentityAsync(string address) => AskAsync(factory.Create(address, TimeProvider.System, NullLoggerFactory.Instance));

        var (one, same, other) = (
            await IdentityAsync($"{redis.Address}?prefix=one"),
            await IdentityAsync($"{redis.Address.Replace("127.0.0.1", "localhost", StringComparison.Ordinal)}?prefix=one"),
            await IdentityAsync($"{redis.Address}?prefix=other"));

        Assert.Equal(one, same);
        Assert.NotEqual(one, other);

        static async Task<string> AskAsync(Layer layer)
        {
            await using (layer)
            {
                await layer.OpenAsync();
                return await layer.Identity(TestContext.Current.CancellationToken);
            }
        }
    }

    [Theory]
    [InlineData("redis:")]
    [InlineData("redis://")]
    [InlineData("cache:6379")]
    [InlineData("sqlite:work.db")]
    public async Task What_is_no_address_of_a_redis_ends_the_start(string address)
    {
        var services = new ServiceCollection();
        services.AddRunnelCore().UseRedis(address);
        await using var provider = services.BuildServiceProvider();

        await Assert.ThrowsAsync<FormatException>(() => provider.GetRequiredService<ConfiguredLayer>().OpenAsync());
    }
}
