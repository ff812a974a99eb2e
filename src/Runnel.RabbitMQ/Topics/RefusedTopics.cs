using System.Collections.Concurrent;
using Runnel.Layers;
using Runnel.RabbitMQ.Connections;

namespace Runnel.RabbitMQ.Topics;

/// <summary>Tells the nodes whose full queues refused messages of a topic how many there have been, so that each of them notices what it lacks, also when no message follows.</summary>
/// <param name="publishCountAsync">Publishes how many messages of a topic there have been until then.</param>
/// <param name="timeProvider">The clock for the rests between the tries.</param>
/// <param name="ending">Ends all of it.</param>
internal sealed class RefusedTopics(Func<Topic, Task<PublishOutcome>> publishCountAsync, TimeProvider timeProvider, CancellationToken ending)
{
    /// <summary>How long a queue that is full has to make room, before it is tried.</summary>
    public static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Topic, bool> _waiting = [];

    /// <summary>A message of a topic was refused.</summary>
    public void Refused(Topic topic)
    {
        if (_waiting.TryAdd(topic, true))
            _ = TellAsync(topic);
    }

    private async Task TellAsync(Topic topic)
    {
        try
        {
            do
            {
                await Task.Delay(Rest, timeProvider, ending).ConfigureAwait(false);
                // Before the messages are counted: what is refused from now on needs a count of its own.
                _waiting.TryRemove(topic, out _);
            }
            while (!await IsToldAsync(topic).ConfigureAwait(false) && _waiting.TryAdd(topic, true));
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            // The node ends.
        }
    }

    private async Task<bool> IsToldAsync(Topic topic)
    {
        try
        {
            return await publishCountAsync(topic).ConfigureAwait(false) != PublishOutcome.Refused;
        }
        catch (IOException)
        {
            return false; // this node is cut off from the broker, and those that lack a message perhaps are not
        }
    }
}
