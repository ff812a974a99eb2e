using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Sqlite;
using Xunit;

namespace Runnel.Tests;

/// <summary>An option that is out of its range ends the start with a sentence that names it. (The layer in memory has no options.)</summary>
public sealed class LayerOptionsTests
{
    [Fact]
    public async Task An_option_of_the_redis_layer_that_is_out_of_its_range_is_refused_at_the_start_by_its_name()
    {
        AssertNames(await RefusalOfAsync(runnel => runnel.UseRedis("redis://cache", redis => redis.Timeout = TimeSpan.Zero)), "RedisOptions", "Timeout");
        AssertNames(await RefusalOfAsync(runnel => runnel.UseRedis("redis://cache", redis => redis.Prefix = "my shop")), "RedisOptions", "Prefix");
        AssertNames(await RefusalOfAsync(runnel => runnel.UseRedisQueues("redis://work", redis => redis.OutageBuffer = 0)), "RedisOptions", "OutageBuffer");
        AssertNames(await RefusalOfAsync(runnel => runnel.UseRedisState("redis://states", redis => redis.DeadLetterRetention = TimeSpan.Zero)), "RedisOptions", "DeadLetterRetention");
    }

    [Fact]
    public async Task An_option_of_the_rabbitmq_layer_that_is_out_of_its_range_is_refused_at_the_start_by_its_name()
    {
        AssertNames(await RefusalOfAsync(runnel => runnel.UseRabbitMQ("amqp://broker", rabbit => rabbit.Heartbeat = TimeSpan.Zero)), "RabbitMQOptions", "Heartbeat");
        AssertNames(await RefusalOfAsync(runnel => runnel.UseRabbitMQ("amqp://broker", rabbit => rabbit.Wire = (RabbitMQWire)7)), "RabbitMQOptions", "Wire");
        AssertNames(await RefusalOfAsync(runnel => runnel.UseRabbitMQQueues("amqp://broker", rabbit => rabbit.Prefetch = 1)), "RabbitMQOptions", "Prefetch");
    }

    [Fact]
    public async Task An_option_of_the_sqlite_layer_that_is_out_of_its_range_is_refused_at_the_start_by_its_name_and_no_file_is_made()
    {
        var path = Path.Combine(Path.GetTempPath(), $"runnel-{Guid.NewGuid():N}.db");

        var refusal = await RefusalOfAsync(runnel => runnel.UseSqlite(path).Services.Configure<LayerOptions>(static layer => layer.Factories["sqlite"] = new HastyFactory()));

        AssertNames(refusal, "SqliteOptions", "OutageTimeout");
        AssertNames(refusal, "SqliteOptions", "DeliveryBuffer");
        Assert.False(File.Exists(path));
    }

    [Theory]
    [InlineData("LeaseDuration")]
    [InlineData("CrashLimit")]
    public async Task An_option_of_the_worker_that_is_out_of_its_range_does_not_fail_the_building_of_the_application_but_its_start(string option)
    {
        var builder = NewBuilder();
        builder.Services.AddRunnel().ConfigureWorker(worker =>
        {
            if (option == "LeaseDuration")
                worker.LeaseDuration = TimeSpan.FromMilliseconds(499);
            else
                worker.CrashLimit = 0;
        });

        await using var app = builder.Build();

        AssertNames(await Assert.ThrowsAsync<OptionsValidationException>(() => app.StartAsync()), "WorkerOptions", option);
        Assert.Equal(1, await app.RunRunnelAsync([]));
    }

    private static void AssertNames(Exception refusal, string options, string option)
    {
        Assert.Contains($"'{options}'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"The field {option} ", refusal.Message, StringComparison.Ordinal);
    }

    // Also something that is made early does not meet it, and the command ends with an exit code and no exception.
    private static async Task<OptionsValidationException> RefusalOfAsync(Action<RunnelBuilder> use)
    {
        var builder = NewBuilder();
        use(builder.Services.AddRunnel());
        await using var app = builder.Build();
        _ = app.Services.GetRequiredService<IChannels>();

        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(() => app.Services.GetRequiredService<ConfiguredLayer>().OpenAsync());
        Assert.Equal(1, await app.RunRunnelAsync([]));
        return refusal;
    }

    private static WebApplicationBuilder NewBuilder()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseTestServer();
        return builder;
    }

    /// <summary>An application's own factory, since the address of SQLite has no options.</summary>
    private sealed class HastyFactory : ILayerFactory
    {
        public Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers)
        {
            var options = new SqliteOptions { Path = SqliteLayerFactory.PathOf(address), OutageTimeout = TimeSpan.Zero, DeliveryBuffer = 0 };
            var store = SqliteStore.Open(options, timeProvider, loggers.CreateLogger<SqliteStore>());
            return new Layer { Backplane = new SqliteBackplane(store), WorkQueue = new SqliteWorkQueue(store), Owned = store, Identity = _ => Task.FromResult(address) };
        }
    }
}
