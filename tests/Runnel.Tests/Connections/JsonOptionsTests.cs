using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.AspNetCore;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Connections;

/// <summary>What an application says of its JSON (<see cref="RunnelOptions.Json"/>) holds wherever Runnel writes or reads it.</summary>
public sealed class JsonOptionsTests
{
    [Fact]
    public async Task It_holds_for_what_goes_to_clients_by_a_consumer_and_by_a_group()
    {
        await using var node = CreateNode();
        using var connection = await FakeConnection.ConnectAsync(node);
        await connection.Groups.AddAsync("news");

        await connection.SendJsonAsync(new Thing(1));
        await connection.Groups.SendJsonAsync("news", new Thing(2));

        await Wait.Until(() => connection.Writer.Texts.Count == 2, "both have arrived");
        Assert.Equal(["""{"full_count":1}""", """{"full_count":2}"""], connection.Writer.Texts);
    }

    [Fact]
    public async Task It_holds_for_events()
    {
        await using var node = CreateNode();
        using var connection = await FakeConnection.ConnectAsync(node, ConsumerDescriptor.For<Noting>());
        await connection.Groups.AddAsync("news");

        await connection.Groups.SendEventAsync("news", "raw", new Thing(3));
        await node.Groups.SendEventAsync("news", "thing", new Thing(4));

        await Wait.Until(() => connection.Writer.Texts.Count == 2, "both are handled");
        Assert.Equal(["""{"full_count":3}""", "4"], connection.Writer.Texts);
    }

    [Fact]
    public async Task It_holds_for_what_a_connection_keeps()
    {
        await using var node = CreateNode();
        using var connection = new FakeConnection(node);

        connection.Keep(new Thing(5));

        Assert.Equal("""{"full_count":5}""", Encoding.UTF8.GetString(connection.Kept!));
        Assert.Equal(new Thing(5), connection.GetKept<Thing>());
    }

    [Fact]
    public async Task It_holds_for_jobs_and_for_events_to_one_connection()
    {
        await using var app = await RunnelApp.StartInMemoryAsync(
            static app =>
            {
                app.MapConsumer<Noting>("/ws");
                app.MapChannel("things", static (Thing thing) => new Thing(thing.FullCount * 2), static options => options.Track = true);
            },
            static builder => builder.With((Action<RunnelOptions>)Snake));
        await using var client = await app.ConnectInMemoryAsync("/ws");
        var channels = app.Services.GetRequiredService<IChannels>();
        var jobs = app.Services.GetRequiredService<IJobs>();

        var one = await channels.SendAsync("things", new Thing(6));
        var many = await channels.SendManyAsync("things", new[] { new Thing(7) });
        await channels.SendEventAsync(app.Node.Connections.Single().ChannelName, "raw", new Thing(8));

        Assert.Equal("""{"full_count":12}""", await ResultAsync(one.Id));
        Assert.Equal("""{"full_count":14}""", await ResultAsync(many[0].Id));
        Assert.Equal("""{"full_count":8}""", await client.ReceiveTextAsync());

        async Task<string?> ResultAsync(MessageId id) => (await Wait.For(jobs.WatchAsync(id).LastAsync().AsTask(), "the job's end")).Result?.GetRawText();
    }

    [Fact]
    public async Task It_holds_for_requests()
    {
        await using var app = await RunnelApp.StartInMemoryAsync(static app => app.MapHttpConsumer<Doubling>("/double"), static builder => builder.With((Action<RunnelOptions>)Snake));
        using var http = app.Server.CreateClient();

        using var response = await http.PostAsync(new Uri("/double", UriKind.Relative), new StringContent("""{"full_count":9}"""));

        Assert.Equal("""{"full_count":18}""", await response.Content.ReadAsStringAsync());
    }

    private static FakeNode CreateNode() => FakeConnection.CreateNode(new InMemoryBackplane(TimeProvider.System), configure: Snake);

    private static void Snake(RunnelOptions options) => options.Json = new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    internal sealed record Thing(int FullCount);

    internal sealed class Noting : WebSocketConsumer
    {
        [Handles("raw")]
        public ValueTask OnRawAsync(Message message) => SendAsync(Encoding.UTF8.GetString(message.Body.Span));

        [Handles("thing")]
        public ValueTask OnThingAsync(Thing thing) => SendAsync($"{thing.FullCount}");
    }

    internal sealed class Doubling : HttpConsumer
    {
        public override Task OnRequestAsync(HttpConsumerRequest request, HttpConsumerResponse response, CancellationToken cancellationToken) =>
            response.WriteJsonAsync(new Thing(request.ReadJson<Thing>()!.FullCount * 2), cancellationToken).AsTask();
    }
}
