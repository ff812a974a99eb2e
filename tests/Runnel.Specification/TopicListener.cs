using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;
using Runnel.Layers;

namespace Runnel.Specification;

/// <summary>A subscription of a test: what was delivered, to be waited for.</summary>
public sealed class TopicListener : IAsyncDisposable
{
    private readonly Channel<BackplaneMessage> _messages = Channel.CreateUnbounded<BackplaneMessage>();
    private readonly ConcurrentQueue<(TopicGap Gap, int Delivered)> _gaps = new();
    private ITopicSubscription? _subscription;
    private int _delivered;

    private TopicListener()
    {
    }

    /// <summary>How many messages were delivered.</summary>
    public int Delivered => Volatile.Read(ref _delivered);

    /// <summary>The text of the message that was delivered last; <see langword="null"/> before the first.</summary>
    public string? Last { get; private set; }

    /// <summary>Where the subscription begins.</summary>
    public Position Begins => _subscription!.Begins;

    /// <summary>The gaps that were told, each with how many messages had been delivered before it.</summary>
    public IReadOnlyCollection<(TopicGap Gap, int Delivered)> Gaps => _gaps;

    /// <summary>Subscribes.</summary>
    public static async Task<TopicListener> OnAsync(IBackplane backplane, Topic topic)
    {
        var listener = new TopicListener();
        listener._subscription = await backplane.SubscribeAsync(topic, message =>
        {
            Interlocked.Increment(ref listener._delivered);
            listener.Last = Text(message);
            listener._messages.Writer.TryWrite(message);
        }, gap => listener._gaps.Enqueue((gap, listener.Delivered)));
        return listener;
    }

    /// <summary>The text of a message.</summary>
    public static string Text(BackplaneMessage message) => Encoding.UTF8.GetString(message.Payload.Span);

    /// <summary>Waits for the next message.</summary>
    public Task<BackplaneMessage> NextMessageAsync() => Wait.For(_messages.Reader.ReadAsync().AsTask(), "a message");

    /// <summary>Waits for the next message's text.</summary>
    public async Task<string> NextAsync() => Text(await NextMessageAsync());

    /// <summary>Waits for so many more messages than have been delivered by now.</summary>
    public Task SkipAsync(int count)
    {
        var end = Delivered + count;
        return Wait.Until(() => Delivered >= end, $"{count} more messages were delivered");
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _subscription!.DisposeAsync();
}
