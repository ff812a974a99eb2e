using System.Security.Cryptography;
using Runnel.Layers;

namespace Runnel.RabbitMQ.Topics;

/// <summary>Numbers the messages of this process, topic by topic, so that whoever hears a topic notices what is missing. Not thread-safe.</summary>
internal sealed class TopicNumbers
{
    // A publisher of so many topics begins anew, under another name: hearers take the first number of a publisher that they do not know as it is.
    private const int MostTopics = 100_000;

    private readonly Dictionary<Topic, long> _last = [];

    /// <summary>Who numbers.</summary>
    public long Publisher { get; private set; } = NewPublisher();

    /// <summary>The number of the next message.</summary>
    public long Next(Topic topic)
    {
        if (_last.Count >= MostTopics && !_last.ContainsKey(topic))
        {
            _last.Clear();
            Publisher = NewPublisher();
        }
        return _last[topic] = Last(topic) + 1;
    }

    /// <summary>The number of the last message; 0 before the first.</summary>
    public long Last(Topic topic) => _last.GetValueOrDefault(topic);

    private static long NewPublisher() => BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))) | 1;
}
