using Runnel.ChannelLayers;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.ChannelLayers;

/// <summary>What a channel layer is not made without, and what it refuses when it is gone.</summary>
public sealed class ChannelLayerArgumentTests
{
    private readonly InMemoryBackplane _backplane = new(TimeProvider.System);
    private readonly InMemoryWorkQueue _queue = new(TimeProvider.System);
    private readonly ChannelLayerOptions _options = new();

    [Fact]
    public async Task A_layer_that_is_disposed_of_refuses_everything()
    {
        var layer = new ChannelLayer(_backplane, _queue, _queue, _options, TimeProvider.System);
        var channel = await layer.NewChannelAsync();
        await layer.DisposeAsync();
        await layer.DisposeAsync();

        foreach (var call in (Func<Task>[])
        [
            () => layer.SendAsync("tasks", new Message("t", default)).AsTask(),
            () => layer.ReceiveAsync("tasks").AsTask(),
            () => layer.ReceiveAsync(channel).AsTask(),
            () => layer.NewChannelAsync().AsTask(),
            () => layer.AddToGroupAsync("all", channel).AsTask(),
            () => layer.RemoveFromGroupAsync("all", channel).AsTask(),
            () => layer.SendToGroupAsync("all", new Message("t", default)).AsTask(),
            () => layer.FlushAsync().AsTask(),
        ])
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(() => Wait.For(call(), "the refusal"));
        }
        Assert.Equal((0, 0), (_backplane.TopicCount, _queue.ChannelCount));
    }

    [Fact]
    public void What_a_layer_is_made_of_is_named_when_it_is_missing()
    {
        (string Name, Action Make)[] made =
        [
            ("backplane", () => _ = new ChannelLayer(null!, _queue, _queue, _options, TimeProvider.System)),
            ("queue", () => _ = new ChannelLayer(_backplane, null!, _queue, _options, TimeProvider.System)),
            ("queueOperator", () => _ = new ChannelLayer(_backplane, _queue, null!, _options, TimeProvider.System)),
            ("options", () => _ = new ChannelLayer(_backplane, _queue, _queue, null!, TimeProvider.System)),
            ("timeProvider", () => _ = new ChannelLayer(_backplane, _queue, _queue, _options, null!)),
        ];

        foreach (var (name, make) in made)
            Assert.Equal(name, Assert.Throws<ArgumentNullException>(make).ParamName);
    }

    [Fact]
    public async Task Nobody_but_Runnel_sends_to_the_group_of_a_job()
    {
        await using var layer = new ChannelLayer(_backplane, _queue, _queue, _options, TimeProvider.System);
        var group = $"job.{Guid.NewGuid():N}";

        var refusal = await Assert.ThrowsAsync<ArgumentException>(() => layer.SendToGroupAsync(group, new Message("t", default)).AsTask());

        Assert.Contains($"'{group}' is the group of a job", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_channel_name_that_was_never_set_is_added_to_no_group()
    {
        await using var layer = new ChannelLayer(_backplane, _queue, _queue, _options, TimeProvider.System);

        await Assert.ThrowsAsync<InvalidOperationException>(() => layer.AddToGroupAsync("all", default).AsTask());

        Assert.Equal(0, layer.GroupCount);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no prefix")]
    [InlineData("a!b")]
    [InlineData("1234567890123456789012345678901234")]
    public async Task A_prefix_that_cannot_begin_a_name_is_refused_with_the_rule(string prefix)
    {
        await using var layer = new ChannelLayer(_backplane, _queue, _queue, _options, TimeProvider.System);

        var refusal = await Assert.ThrowsAsync<ArgumentException>(() => layer.NewChannelAsync(prefix).AsTask());

        Assert.StartsWith($"'{prefix}' cannot begin a channel's name: a prefix has 1 to 33 characters", refusal.Message, StringComparison.Ordinal);
        Assert.StartsWith("123456789012345678901234567890123.", (await layer.NewChannelAsync("123456789012345678901234567890123")).Value, StringComparison.Ordinal);
    }
}
