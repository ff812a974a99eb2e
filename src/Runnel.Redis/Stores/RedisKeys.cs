using Runnel.Layers;

namespace Runnel.Redis.Stores;

/// <summary>The names of all keys and pub/sub channels: nothing else in Redis is ours.</summary>
/// <remarks>
/// What belongs to one channel, or to one topic, carries its name in braces, and so is in one slot. What each key holds, and until when:
/// <code>
/// P:channels                 sorted set   the channels that hold anything, by when they were last used; swept
/// P:identity                 string       a random value that tells this data from any other's; there once a node has asked for it
/// P:server                   string       the server, in its present life, that the histories are on (its master_replid); there from the first connection on
/// P:format                   string       the format of all that is stored; there once anything is stored
/// P:sweeping                 string       who puts the channels in order now; gone within a minute
/// P:wake:NODE                list         ends a node's wait on the bells; gone within 10 s
/// P:{channel}:messages       hash         entries of the messages that wait, by id
/// P:{channel}:ready          list         places (an id, and when it was sent), in line
/// P:{channel}:gone           set          places in line of messages that are not there any more; gone with the places
/// P:{channel}:returned       sorted set   places of what workers gave back, by their old numbers in line
/// P:{channel}:delayed        sorted set   places of what is not due yet, by when it is
/// P:{channel}:expiries       sorted set   ids of messages that expire, by when
/// P:{channel}:busy           set          the keys that have messages
/// P:{channel}:lane:KEY       sorted set   ids of that key's messages but the first, in line
/// P:{channel}:workers        sorted set   workers, by when their leases end, or 0 while others are given what a dead one held; swept
/// P:{channel}:claims:WORKER  hash         what a worker holds
/// P:{channel}:order          string       numbers what was first in line; gone within an hour
/// P:{channel}:dead           sorted set   ids of dead letters, by when they died; swept after DeadLetterRetention
/// P:{channel}:letters        hash         the dead letters
/// P:{channel}:seen           sorted set   deduplication ids, by when they are forgotten; gone with the last
/// P:{channel}:bell           list         a token while something is ready
/// P:{channel}:sent:SENDER    string       a sender's last answer; gone a minute after it cannot be asked for again (RedisStore.AnswersAreKept)
/// P:{topic}:position         hash         epoch and latest offset of a topic with history, and where its last 8 epochs ended; gone its PositionAge after its last message, or after the last node that listened
/// P:{topic}:log              stream       the history; gone when its newest message has aged
/// P:{topic}:ids              hash         the ids of its latest 256 messages if it keeps fewer, by their offsets; gone with the history
/// </code>
/// The hash, list and set keys of a channel exist only while there is something in them: Redis removes empty ones itself.
/// </remarks>
internal sealed class RedisKeys(string prefix, int database = 0)
{
    public string Channels { get; } = $"{prefix}:channels";

    public string Identity { get; } = $"{prefix}:identity";

    public string Server { get; } = $"{prefix}:server";

    public string Format { get; } = $"{prefix}:format";

    public string Sweeping { get; } = $"{prefix}:sweeping";

    /// <summary>All keys of ours, as a pattern.</summary>
    public string All { get; } = $"{prefix}:*";

    public string WakeOf(string node) => $"{prefix}:wake:{node}";

    public ChannelKeys Of(ChannelName channel) => new($"{prefix}:{{{channel.Value}}}:");

    /// <summary>The pub/sub channel of a topic. Redis keeps its databases' keys apart, but not their pub/sub channels.</summary>
    public string PubSubOf(Topic topic) => database == 0 ? $"{prefix}:{{{topic.Value}}}" : $"{prefix}:{{{topic.Value}}}:{database}";

    public string PositionOf(Topic topic) => $"{prefix}:{{{topic.Value}}}:position";

    public string IdsOf(Topic topic) => $"{prefix}:{{{topic.Value}}}:ids";

    public string LogOf(Topic topic) => $"{prefix}:{{{topic.Value}}}:log";
}
