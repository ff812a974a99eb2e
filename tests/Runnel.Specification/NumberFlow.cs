using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

/// <summary>Numbers that are published to a topic, some 200 a second, and what listeners on other nodes get of them.</summary>
internal sealed class NumberFlow : IAsyncDisposable
{
    private static readonly Topic Numbers = Topic.OfGroup("numbers");
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(5);

    private readonly IBackplane _publisher;
    private readonly Retention _retention;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task<Position>> _published = [];
    private readonly List<(ConcurrentQueue<BackplaneMessage> Messages, IAsyncDisposable Subscription)> _listeners = [];
    private Task _publishing = Task.CompletedTask;

    private NumberFlow(IBackplane publisher, Retention retention) => (_publisher, _retention) = (publisher, retention);

    /// <summary>How many numbers have been handed to the backplane, answered or not.</summary>
    public int Published
    {
        get
        {
            lock (_published)
                return _published.Count;
        }
    }

    /// <summary>Has the nodes listen, and begins.</summary>
    public static async Task<NumberFlow> BeginAsync(IBackplane publisher, Retention retention, params IBackplane[] listeners)
    {
        var flow = new NumberFlow(publisher, retention);
        foreach (var listener in listeners)
        {
            var messages = new ConcurrentQueue<BackplaneMessage>();
            flow._listeners.Add((messages, await listener.SubscribeAsync(Numbers, messages.Enqueue)));
        }
        flow._publishing = Task.Run(flow.PublishAsync);
        return flow;
    }

    /// <summary>Waits until so many more numbers were published, whether anybody got them or not.</summary>
    public Task PublishMoreAsync(int count) => Published + count is var end
        ? Wait.Until(() => Published >= end, $"{count} more numbers were published")
        : Task.CompletedTask;

    /// <summary>Waits until every listener has got all that has been published by now, and so many more.</summary>
    public Task DeliverMoreAsync(int count) => Published + count is var end
        ? Wait.Until(() => _listeners.All(listener => listener.Messages.Count >= end), $"every listener had {end} numbers")
        : Task.CompletedTask;

    /// <summary>Ends the flow, and asserts that every listener got every number once, in order, and at the position that the publisher was told.</summary>
    public async Task AssertAllArrivedOnceInOrderAsync()
    {
        await _stopping.CancelAsync();
        await Wait.For(_publishing, "the publisher to stop");
        var positions = await Wait.For(Task.WhenAll(_published), "the answers to what was published");
        await Wait.Until(() => _listeners.All(listener => listener.Messages.LastOrDefault().Position == positions[^1]), "every listener had the last number");

        foreach (var (messages, _) in _listeners)
        {
            Assert.Equal(Enumerable.Range(0, positions.Length), messages.Select(static message => int.Parse(TopicListener.Text(message), CultureInfo.InvariantCulture)));
            Assert.Equal(positions, messages.Select(static message => message.Position));
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _publishing;
        foreach (var (_, subscription) in _listeners)
            await subscription.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task PublishAsync()
    {
        using var timer = new PeriodicTimer(Pace, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                // The answer is not waited for: what is published while the broker is away is to wait in the backplane.
                var answer = _publisher.PublishAsync(Numbers, Encoding.UTF8.GetBytes($"{Published}"), _retention).AsTask();
                lock (_published)
                    _published.Add(answer);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }
}
