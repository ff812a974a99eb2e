using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests;

public sealed class ConfiguredLayerTests
{
    [Fact]
    public async Task A_factory_that_code_configured_makes_the_layers_of_its_scheme()
    {
        var factory = new FakeLayerFactory();
        await using var services = Services(factory, "Redis://cache");

        var backplane = services.GetRequiredService<IBackplane>();

        Assert.IsType<InMemoryBackplane>(backplane);
        Assert.Equal(["Redis://cache"], factory.Addresses);
    }

    [Theory]
    [InlineData("layer")]
    [InlineData("Runnel:Layer")]
    public async Task Configuration_changes_the_address_and_the_factory_stays(string key)
    {
        var factory = new FakeLayerFactory();
        await using var services = Services(factory, "redis://cache", (key, "redis://another"));

        _ = services.GetRequiredService<IBackplane>();

        Assert.Equal(["redis://another"], factory.Addresses);
    }

    [Fact]
    public async Task The_command_line_comes_before_the_other_configuration_for_each_layer()
    {
        await using var services = Services(
            new FakeLayerFactory(), "redis://code",
            ("layer", "redis://1"), ("Runnel:Layer", "redis://x"), ("queue-layer", "redis://2"), ("Runnel:QueueLayer", "redis://y"), ("state-layer", "redis://3"), ("Runnel:StateLayer", "redis://z"));
        var layer = services.GetRequiredService<ConfiguredLayer>();

        Assert.Equal(("redis://1", "redis://2", "redis://3"), (layer.Address, layer.QueueAddress, layer.StateAddress));
    }

    [Fact]
    public async Task A_layer_that_cannot_even_be_made_keeps_no_service_from_being_made_and_the_start_says_why()
    {
        await using var app = Application(new FakeLayerFactory { Make = static () => throw new IOException("The disk is gone.") });
        _ = app.Services.GetRequiredService<IGroups>();

        var failure = await Assert.ThrowsAsync<IOException>(() => app.StartAsync());

        Assert.Equal("The disk is gone.", failure.Message);
    }

    [Fact]
    public async Task A_layer_of_another_scheme_is_made_by_its_own_factory()
    {
        var factory = new FakeLayerFactory();
        await using var services = Services(factory, "redis://cache", ("layer", "memory:"));

        _ = services.GetRequiredService<IBackplane>();

        Assert.Empty(factory.Addresses);
    }

    [Fact]
    public async Task An_application_opens_its_layer_once_and_before_anything_uses_it()
    {
        List<int> topics = [];
        await using var app = Application(new FakeLayerFactory
        {
            Open = async backplane =>
            {
                await Task.Yield();
                topics.Add(backplane.TopicCount);
            },
        });

        await app.Services.GetRequiredService<ConfiguredLayer>().OpenAsync();
        await app.StartAsync();

        Assert.Equal([0], topics);
        Assert.NotEqual(0, Assert.IsType<InMemoryBackplane>(app.Services.GetRequiredService<IBackplane>()).TopicCount);
    }

    [Fact]
    public async Task An_application_whose_layer_cannot_be_opened_does_not_start_and_says_why()
    {
        await using var app = Application(new FakeLayerFactory { Open = _ => throw new IOException("Nothing answers at 'cache'.") });

        var failure = await Assert.ThrowsAsync<IOException>(() => app.StartAsync());

        Assert.Equal("Nothing answers at 'cache'.", failure.Message);
    }

    [Theory]
    [InlineData("postgres://localhost", "There is no layer 'postgres:' yet")]
    [InlineData("nats://localhost", "'nats' names no layer")]
    [InlineData("sqlite://work.db", "write 'sqlite:work.db'")]
    [InlineData(" ", "The layer's address is empty")]
    public async Task An_address_of_no_use_keeps_no_service_from_being_made_and_the_layer_from_being_opened(string address, string sentence)
    {
        await using var services = Services(new FakeLayerFactory(), address);

        var groups = services.GetRequiredService<IGroups>();
        var failure = await Assert.ThrowsAsync<FormatException>(() => services.GetRequiredService<ConfiguredLayer>().OpenAsync());
        var early = await Assert.ThrowsAsync<InvalidOperationException>(async () => await groups.SendAsync("news", "text"));

        Assert.Contains(sentence, failure.Message, StringComparison.Ordinal);
        Assert.Equal(failure.Message, early.Message);
    }

    [Fact]
    public async Task A_scheme_that_only_the_application_knows_is_its_own()
    {
        var factory = new FakeLayerFactory();
        await using var services = Services(factory, "nats://localhost", scheme: "nats");

        await services.GetRequiredService<ConfiguredLayer>().OpenAsync();

        Assert.Equal(["nats://localhost"], factory.Addresses);
    }

    [Fact]
    public async Task A_layer_that_was_made_before_the_command_line_named_another_is_not_opened()
    {
        var configuration = new ConfigurationManager();
        var services = new ServiceCollection().AddSingleton<IConfiguration>(configuration);
        services.AddRunnelCore();
        await using var provider = services.BuildServiceProvider();
        _ = provider.GetRequiredService<IBackplane>();

        configuration["layer"] = "sqlite:work.db";

        await Assert.ThrowsAsync<InvalidOperationException>(() => provider.GetRequiredService<ConfiguredLayer>().OpenAsync());
    }

    [Theory]
    [InlineData("queue-layer")]
    [InlineData("Runnel:QueueLayer")]
    public async Task Work_may_have_a_layer_of_its_own(string key)
    {
        var factory = new FakeLayerFactory();
        await using var services = Services(factory, "redis://cache", (key, "redis://work"));
        var layer = services.GetRequiredService<ConfiguredLayer>();

        await layer.OpenAsync();

        Assert.Equal(["redis://cache", "redis://work"], factory.Addresses);
        Assert.Equal(("redis://cache", "redis://work"), (layer.Address, layer.QueueAddress));
        await layer.WorkQueue.EnqueueAsync("payments", [new Envelope(new Message("pay", default)) { Id = MessageId.New(TimeProvider.System) }], EnqueueOptions.Default);
        Assert.Single(await layer.Operator.ListChannelsAsync());
    }

    [Theory]
    [InlineData("state-layer")]
    [InlineData("Runnel:StateLayer")]
    public async Task States_may_have_a_layer_of_their_own_and_groups_see_them_there(string key)
    {
        var factory = new FakeLayerFactory();
        await using var services = Services(factory, "redis://cache", (key, "redis://states"));
        var layer = services.GetRequiredService<ConfiguredLayer>();
        await layer.OpenAsync();
        var job = JobStatus.GroupOf(MessageId.New(TimeProvider.System));
        await using var listener = await TopicListener.OnAsync(layer.Backplane, Topic.OfGroup(job));

        await services.GetRequiredService<IStateStore>().SetAsync(job.Value, "running"u8.ToArray(), TimeSpan.FromMinutes(1));

        await listener.NextMessageAsync();
        Assert.Equal(["redis://cache", "redis://states"], factory.Addresses);
        Assert.Equal([0, 1], factory.Backplanes.Select(backplane => backplane.TopicCount));
        Assert.Equal(("redis://cache", "redis://states"), (layer.QueueAddress, layer.StateAddress));
    }

    [Fact]
    public async Task Nobody_but_runnel_sends_to_the_group_of_a_job()
    {
        await using var services = Services(new FakeLayerFactory(), "redis://cache");
        var groups = services.GetRequiredService<IGroups>();

        var refusal = await Assert.ThrowsAsync<ArgumentException>(async () => await groups.SendAsync(JobStatus.GroupOf(MessageId.New(TimeProvider.System)), "text"));
        await groups.SendAsync("job.sweeper", "text"); // a group of the application's own

        Assert.Contains("is the group of a job, and only Runnel sends to it", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_layer_for_work_remembers_if_the_main_one_cannot_and_another_one_was_not_picked()
    {
        var factory = new FakeLayerFactory();
        await using var services = Services(factory, "toy:", ("queue-layer", "redis://work"));
        var layer = services.GetRequiredService<ConfiguredLayer>();

        await layer.State.SetAsync("job.1", "running"u8.ToArray(), TimeSpan.FromMinutes(1));

        Assert.Equal(1, factory.Backplanes.Single().TopicCount);
    }

    [Fact]
    public async Task A_layer_for_states_that_remembers_nothing_is_told()
    {
        await using var services = Services(new FakeLayerFactory(), "redis://cache", ("state-layer", "toy:"));

        var lack = Assert.Throws<InvalidOperationException>(() => services.GetRequiredService<ConfiguredLayer>().State);

        Assert.Equal("The layer 'toy:' remembers nothing. Pick another one that does, such as sqlite: or redis: (Runnel:StateLayer).", lack.Message);
    }

    [Fact]
    public async Task Where_no_layer_remembers_anything_whatever_is_to_be_remembered_is_refused()
    {
        await using var services = Services(new FakeLayerFactory(), "toy:");
        var states = services.GetRequiredService<IStateStore>();
        var reservation = new Reservation("tick.1", Guid.NewGuid(), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));

        var refusal = await Assert.ThrowsAsync<NotSupportedException>(async () => await states.SetAsync("job.1", default, TimeSpan.FromMinutes(1)));

        Assert.StartsWith("'job.1' cannot be remembered, since no layer of this application remembers anything.", refusal.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<NotSupportedException>(async () => await states.GetAsync("job.1"));
        await Assert.ThrowsAsync<NotSupportedException>(async () => await states.WatchAsync("job.1", _ => { }));
        await Assert.ThrowsAsync<NotSupportedException>(async () => await states.ReserveAsync("tick.1", TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1)));
        await Assert.ThrowsAsync<NotSupportedException>(async () => await states.IsMarkedAsync("tick.1"));
        await Assert.ThrowsAsync<NotSupportedException>(async () => await states.ConfirmAsync(reservation));
        await Assert.ThrowsAsync<NotSupportedException>(async () => await states.MarkAsync(reservation));
        await Assert.ThrowsAsync<NotSupportedException>(async () => await states.ReleaseAsync(reservation));
    }

    [Fact]
    public async Task One_address_for_all_is_one_layer()
    {
        var factory = new FakeLayerFactory();
        await using var services = Services(factory, "redis://cache", ("queue-layer", "redis://cache"), ("state-layer", "redis://cache"));

        await services.GetRequiredService<ConfiguredLayer>().OpenAsync();

        Assert.Equal(["redis://cache"], factory.Addresses);
    }

    [Fact]
    public async Task A_layer_for_work_that_is_of_no_use_ends_the_start_with_one_sentence()
    {
        await using var services = Services(new FakeLayerFactory(), "redis://cache", ("queue-layer", "nats://work"));

        var failure = await Assert.ThrowsAsync<FormatException>(() => services.GetRequiredService<ConfiguredLayer>().OpenAsync());

        Assert.Contains("nats", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_code_picks_a_layer_for_work_and_a_layer_that_keeps_none_is_told()
    {
        var services = new ServiceCollection();
        services.AddRunnelCore().UseQueueLayer("lacking:");
        services.Configure<LayerOptions>(options => options.Factories["lacking"] = new LackingLayerFactory());
        await using var provider = services.BuildServiceProvider();
        var layer = provider.GetRequiredService<ConfiguredLayer>();

        Assert.NotNull(layer.Backplane);
        var lack = Assert.Throws<InvalidOperationException>(() => layer.WorkQueue);
        Assert.Contains("'lacking:' keeps no work", lack.Message, StringComparison.Ordinal);
        var other = Assert.Throws<InvalidOperationException>(() => layer.Operator);
        Assert.Equal("The layer 'lacking:' has no operator's side for its work queue. Pick another one that does, such as sqlite: or redis: (Runnel:QueueLayer).", other.Message);
    }

    [Fact]
    public async Task A_main_layer_that_carries_no_messages_is_told()
    {
        var services = new ServiceCollection();
        services.AddRunnelCore().UseLayer("lacking:");
        services.Configure<LayerOptions>(options => options.Factories["lacking"] = new LackingLayerFactory());
        await using var provider = services.BuildServiceProvider();

        var lack = Assert.Throws<InvalidOperationException>(() => provider.GetRequiredService<ConfiguredLayer>().Backplane);

        Assert.Equal("The layer 'lacking:' carries no messages between nodes. Pick another one that does, such as sqlite: or redis: (Runnel:Layer).", lack.Message);
    }

    [Fact]
    public async Task Code_picks_each_layer_by_its_package_s_methods()
    {
        var onRedis = await PickedAsync(runnel => runnel.UseRedis("redis://cache").UseRedisQueues("redis://work").UseRedisState("redis://states"));
        var inFiles = await PickedAsync(runnel => runnel.UseSqlite("all.db").UseSqliteQueues("work.db").UseSqliteState("states.db"));
        var byAddress = await PickedAsync(runnel => runnel.UseLayer("memory:").UseQueueLayer("sqlite:work.db").UseStateLayer("redis://states"));

        Assert.Equal(("redis://cache", "redis://work", "redis://states"), onRedis);
        Assert.Equal(("sqlite:all.db", "sqlite:work.db", "sqlite:states.db"), inFiles);
        Assert.Equal(("memory:", "sqlite:work.db", "redis://states"), byAddress);

        static async Task<(string, string, string?)> PickedAsync(Action<RunnelBuilder> pick)
        {
            var services = new ServiceCollection();
            pick(services.AddRunnelCore());
            await using var provider = services.BuildServiceProvider();
            var layer = provider.GetRequiredService<ConfiguredLayer>();
            return (layer.Address, layer.QueueAddress, layer.StateAddress);
        }
    }

    private sealed class LackingLayerFactory : ILayerFactory
    {
        public Layer Create(string address, TimeProvider timeProvider, ILoggerFactory loggers) => new() { Identity = _ => Task.FromResult(address) };
    }

    private static ServiceProvider Services(FakeLayerFactory factory, string address, params (string Key, string Value)[] configuration) =>
        Services(factory, address, "redis", configuration);

    private static ServiceProvider Services(FakeLayerFactory factory, string address, string scheme, params (string Key, string Value)[] configuration)
    {
        var values = configuration.ToDictionary(pair => pair.Key, pair => (string?)pair.Value);
        var services = new ServiceCollection().AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
        services.AddRunnelCore();
        Use(services, factory, address, scheme);
        return services.BuildServiceProvider();
    }

    private static WebApplication Application(FakeLayerFactory factory)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseTestServer();
        builder.Services.AddRunnel();
        Use(builder.Services, factory, "redis://cache", "redis");
        return builder.Build();
    }

    private static void Use(IServiceCollection services, FakeLayerFactory factory, string address, string scheme) => services.Configure<LayerOptions>(layer =>
    {
        layer.Address = address;
        layer.Factories[scheme] = factory;
    });
}
