using System.CommandLine;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Runnel.AspNetCore.Commands;
using Runnel.AspNetCore.Handover;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>The names under which connections are handed out, and which of them a process takes.</summary>
public sealed class MappedConsumersTests
{
    [Theory]
    [InlineData("/ws/rooms/{room}", "ws.rooms.room")]
    [InlineData("/ws/rooms/{room:int}/{**rest}", "ws.rooms.room.rest")]
    [InlineData("/v{version}/{file?}", "v.version.file")]
    [InlineData("/files/{name}.{kind}", "files.name.kind")]
    [InlineData("/caf\u00e9 news/~x", "caf--news.-x")]
    [InlineData("/", "root")]
    public void A_name_is_made_from_the_pattern(string pattern, string name)
    {
        var consumers = Of(app => app.MapConsumer(pattern, _ => { }));

        Assert.Equal($"websocket.connect.{name}", Assert.Single(consumers.All).Channel.Value);
    }

    [Fact]
    public void A_name_of_its_own_comes_first_and_a_groups_prefix_counts()
    {
        var consumers = Of(app =>
        {
            app.MapConsumer("/ws/chat", _ => { }).WithName("talk");
            app.MapGroup("/eu/{town}").MapGroup("/ws").MapConsumer<Scripted>("/{does}");
            app.MapDemultiplexer("/ws", d => d.Stream<Scripted>("scripted"));
            app.MapJobs("/jobs");
            app.MapGet("/health", () => "ok").WithName("health");
        });

        Assert.Equal(["websocket.connect.eu.town.ws.does", "websocket.connect.talk", "websocket.connect.ws"], consumers.All.Select(consumer => consumer.Channel.Value));
        Assert.Equal("/eu/{town}/ws/{does}", consumers.All.First().Pattern);
        Assert.Equal("Scripted", consumers.Find("eu.town.ws.does")!.Name);
        Assert.Null(consumers.Find("health"));
    }

    [Fact]
    public void Two_endpoints_of_one_name_are_refused()
    {
        var consumers = Of(app =>
        {
            app.MapConsumer("/ws/{room}", _ => { });
            app.MapConsumer("/ws/room", _ => { });
        });

        var refused = Assert.Throws<InvalidOperationException>(() => consumers.Taken);

        Assert.Equal("The consumers at '/ws/{room}' and '/ws/room' have the same name, so workers could not tell their connections apart: both are 'websocket.connect.ws.room'. Give one of them another name with WithName.", refused.Message);
    }

    [Theory]
    [InlineData("chat room")]
    [InlineData("")]
    [InlineData("a!b")]
    [InlineData("a2345678901234567890123456789012345678901234567890123456789012345678901234567890-2")]
    public void A_name_that_no_channel_can_have_is_refused(string name)
    {
        var consumers = Of(app => app.MapConsumer("/ws/chat", _ => { }).WithName(name));

        var refused = Assert.Throws<InvalidOperationException>(() => consumers.All);

        Assert.StartsWith($"The consumer at '/ws/chat' cannot have the name '{name}', because workers choose it by its name: use 1 to 81 characters", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_without_commands_refuses_to_start_with_two_endpoints_of_one_name()
    {
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => RunnelApp.StartInMemoryAsync(app =>
        {
            app.MapConsumer("/ws/{room}", _ => { });
            app.MapConsumer("/ws/room", _ => { });
        }));

        Assert.Contains("'websocket.connect.ws.room'", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("websocket*", "", "", "chat,news")]
    [InlineData("websocket.connect.chat", "", "", "chat")]
    [InlineData("", "websocket.connect.chat", "mail", "news")]
    [InlineData("mail", "", "mail", "")]
    [InlineData("", "websocket*", "mail", "")]
    [InlineData("", "", "mail", "chat,news")]
    public void A_worker_takes_the_jobs_and_the_connections_that_fit_its_patterns(string only, string exclude, string channels, string connections)
    {
        using var app = Build(MapBoth);
        var options = app.Services.GetRequiredService<IOptions<WorkerOptions>>().Value;
        Add(options.OnlyChannels, only);
        Add(options.ExcludeChannels, exclude);

        var jobs = app.Services.GetRequiredService<WorkerSelection>().Selected.Select(channel => channel.Value);
        var taken = app.Services.GetRequiredService<IConsumerEndpoints>().Taken.Select(channel => channel.Value);

        Assert.Equal(channels, string.Join(',', jobs));
        Assert.Equal(connections, string.Join(',', taken).Replace("websocket.connect.", "", StringComparison.Ordinal));
        StartCheck.RefuseEmptySelection(app);

        static void Add(IList<string> patterns, string pattern)
        {
            if (pattern.Length > 0)
                patterns.Add(pattern);
        }
    }

    [Fact]
    public void A_process_whose_worker_is_off_or_whose_connections_are_handed_out_takes_none()
    {
        using var off = Build(MapBoth, builder => builder.Services.Configure<WorkerOptions>(worker => worker.Enabled = false));
        using var gateway = Build(MapBoth, builder => builder.Services.Configure<HandoverOptions>(options => options.HandsOut = true));

        Assert.Empty(off.Services.GetRequiredService<IConsumerEndpoints>().Taken);
        Assert.Empty(gateway.Services.GetRequiredService<IConsumerEndpoints>().Taken);
    }

    [Fact]
    public void A_server_without_worker_needs_a_layer_that_workers_share_if_it_has_consumers()
    {
        using var consumers = Build(app => app.MapConsumer("/ws", _ => { }));
        using var pages = Build(app => app.MapGet("/", () => "hello"));

        StartCheck.RefuseServerAlone(pages);
        var refused = Assert.Throws<InvalidOperationException>(() => StartCheck.RefuseServerAlone(consumers));

        Assert.StartsWith("Nobody would run the consumers of a server with --noworker on 'memory:'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_worker_of_an_application_that_maps_nothing_is_refused()
    {
        using var app = Build(static _ => { });

        var refusal = Assert.Throws<InvalidOperationException>(() => StartCheck.RefuseEmptySelection(app));

        Assert.Equal("This application has no consumers: there is nothing for a worker to do.", refusal.Message);
    }

    [Fact]
    public async Task The_list_of_channels_says_what_each_declares()
    {
        using var app = Build(static app => app.MapChannel("mail", static (string _) => { }, static options =>
            (options.Ordered, options.Deduplicate, options.Cancellable, options.Track, options.Concurrency) = (true, true, true, true, 3)));
        using var output = new StringWriter();

        await RunnelCommands.Root(app).Parse(new[] { "channels" }).InvokeAsync(new InvocationConfiguration { Output = output });

        Assert.Equal("mail  types: mail; concurrency 3, attempts 10, ordered, deduplicated, cancellable, tracked\n", output.ToString());
    }

    [Fact]
    public void An_application_that_adds_Runnel_twice_has_everything_once()
    {
        var services = new ServiceCollection();
        services.AddRunnel();
        var once = Registered();

        services.AddRunnel();

        Assert.Equal(once, Registered());

        List<string> Registered() => [.. services.Where(static service => service.ServiceType.Namespace?.StartsWith("Microsoft.Extensions.Options", StringComparison.Ordinal) is not true)
            .Select(static service => $"{service.ServiceType} {service.ImplementationType}")];
    }

    [Fact]
    public void Times_and_bounds_that_are_out_of_their_ranges_are_refused()
    {
        Action<HandoverOptions>[] wrong =
        [
            handover => handover.HandshakeTimeout = TimeSpan.Zero,
            handover => handover.AdoptionTimeout = TimeSpan.FromSeconds(-1),
            handover => handover.MaxConnections = 0,
        ];

        Assert.All(wrong, configure =>
        {
            using var app = Build(MapBoth, builder => builder.Services.Configure(configure));
            Assert.Throws<OptionsValidationException>(() => app.Services.GetRequiredService<IStartupValidator>().Validate());
        });
    }

    private static void MapBoth(WebApplication app)
    {
        app.MapChannel("mail", (string _) => { });
        app.MapConsumer("/ws/chat", _ => { }).WithName("chat");
        app.MapConsumer("/ws/news", _ => { }).WithName("news");
    }

    private static MappedConsumers Of(Action<WebApplication> map) => Build(map).Services.GetRequiredService<MappedConsumers>();

    // As the commands do: no server starts.
    private static WebApplication Build(Action<WebApplication> map, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRunnel();
        configure?.Invoke(builder);
        var app = builder.Build();
        map(app);
        app.Services.GetRequiredService<MappedConsumers>().Use(app);
        return app;
    }
}
