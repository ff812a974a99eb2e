using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Recovery;

/// <summary>Which groups keep history, and what that needs.</summary>
public sealed class HistoryTests
{
    private readonly InMemoryBackplane _backplane = new(TimeProvider.System);

    [Fact]
    public async Task The_first_pattern_that_fits_a_group_says_what_it_keeps()
    {
        await using var node = FakeConnection.CreateNode(_backplane, configure: options => options
            .KeepHistory("articles.secret*", retention: null)
            .KeepHistory("articles.short", new Retention(2, TimeSpan.FromMinutes(1)))
            .KeepHistory("articles*", new Retention(100, TimeSpan.FromMinutes(1))));

        foreach (var group in new[] { "articles", "articles.short", "articles.secret.1", "others" })
        {
            for (var i = 0; i < 5; i++)
                await node.Groups.SendAsync(group, $"{i}");
        }

        Assert.Equal(5, await KeptAsync("articles"));
        Assert.Equal(2, await KeptAsync("articles.short"));
        Assert.Equal(0, await KeptAsync("articles.secret.1"));
        Assert.Equal(0, await KeptAsync("others"));
    }

    [Fact]
    public async Task A_layer_without_history_is_refused_at_the_start_with_a_sentence()
    {
        using var host = Host(options => options.KeepHistory("articles*", new Retention(10, TimeSpan.FromMinutes(1))));

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync());

        Assert.Equal(
            "Groups 'articles*' keep history (KeepHistory), but the layer for groups lacks BackplaneFeatures.History. "
            + "Pick a layer that keeps it, such as redis: or sqlite: (--layer, Runnel:Layer), or take KeepHistory out of the options of AddRunnel.",
            refusal.Message);
    }

    [Fact]
    public async Task A_history_that_is_not_required_is_left_out_where_the_layer_keeps_none()
    {
        using var host = Host(options => options.KeepHistory("articles*", new Retention(10, TimeSpan.FromMinutes(1)), isRequired: false));
        await host.StartAsync();

        await host.Services.GetRequiredService<IGroups>().SendAsync("articles", "hello");

        await host.StopAsync();
    }

    [Fact]
    public async Task A_history_that_is_not_required_is_kept_where_the_layer_can()
    {
        await using var node = FakeConnection.CreateNode(_backplane, configure: options => options.KeepHistory("articles", new Retention(100, TimeSpan.FromMinutes(1)), isRequired: false));

        await node.Groups.SendAsync("articles", "hello");

        Assert.Equal(1, await KeptAsync("articles"));
    }

    [Fact]
    public async Task A_layer_for_states_that_could_not_keep_the_key_of_the_positions_is_refused_at_the_start()
    {
        using var host = Host(options => options.KeepHistory("articles*", new Retention(10, TimeSpan.FromMinutes(1))), runnel => runnel.UseLayer("memory:").UseStateLayer("toy:"));

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync());

        Assert.StartsWith("The layer 'toy:' remembers nothing.", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_whose_queue_drops_messages_cannot_join_a_group_with_history()
    {
        await using var node = GreetedConnection.CreateNode(_backplane);
        using var connection = await FakeConnection.ConnectAsync(node, options: new OutboundOptions { Policy = OutboundPolicy.DropOldest });

        await connection.Groups.AddAsync("of-no-history");
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => connection.Groups.AddAsync("articles").AsTask());

        Assert.StartsWith("Group 'articles' keeps history, and this endpoint's outbound policy drops messages", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("*", true)]
    [InlineData("articles", false)]
    public async Task An_endpoint_that_drops_messages_is_refused_when_it_is_mapped_if_every_group_keeps_history(string groups, bool isRefused)
    {
        await using var app = await RunnelApp.StartInMemoryAsync(
            app =>
            {
                app.MapConsumer<GroupsConsumer>("/waits");
                var refusal = Record.Exception(() => app.MapConsumer<GroupsConsumer>("/drops", options => options.Outbound.Policy = OutboundPolicy.LatestOnly));
                Assert.Equal(isRefused, refusal is InvalidOperationException);
                Assert.Equal(isRefused, refusal?.Message.StartsWith("Every group keeps history (KeepHistory with '*'), and the policy LatestOnly of this endpoint drops messages", StringComparison.Ordinal) ?? false);
            },
            builder => builder.With((RunnelOptions options) => options
                .KeepHistory("first", new Retention(10, TimeSpan.FromMinutes(1)))
                .KeepHistory(groups, new Retention(10, TimeSpan.FromMinutes(1)))));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void Not_every_group_keeps_history_where_some_keep_none_or_the_layer_may_keep_none(bool isRequired, bool keepsNoneOfSome)
    {
        var options = new RunnelOptions();
        if (keepsNoneOfSome)
            options.KeepHistory("prices*", retention: null);
        options.KeepHistory("*", new Retention(10, TimeSpan.FromMinutes(1)), isRequired);

        Assert.False(options.EveryGroupKeepsHistory);
    }

    [Fact]
    public async Task Where_history_is_not_required_a_connection_whose_queue_drops_messages_joins_and_gets_no_position()
    {
        await using var node = FakeConnection.CreateNode(_backplane, configure: options => options.KeepHistory("articles", new Retention(10, TimeSpan.FromMinutes(1)), isRequired: false));
        using var connection = await GreetedConnection.ConnectAsync<GroupsConsumer>(node, options: new OutboundOptions { Policy = OutboundPolicy.DropOldest });

        Assert.Equal(["new"], connection.Outcomes());
        Assert.False(connection.Of("joined").Single()[0].TryGetProperty("position", out _));
    }

    [Fact]
    public async Task An_event_of_a_type_that_is_ours_is_refused()
    {
        await using var node = GreetedConnection.CreateNode(_backplane);

        await Assert.ThrowsAsync<ArgumentException>(() => node.Groups.SendEventAsync("articles", "runnel:begin", 1).AsTask());
    }

    private async Task<int> KeptAsync(GroupName group) => (await _backplane.ReadHistoryAsync(Topic.OfGroup(group), Position.None, 100)).Messages.Count;

    private static IHost Host(Action<RunnelOptions> configure, Action<RunnelBuilder>? pick = null)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        (pick ?? (static runnel => runnel.UseLayer("toy:")))(builder.Services.AddRunnelCore(configure));
        return builder.Build();
    }
}
