using System.Collections.Concurrent;
using Runnel.Layers;

namespace Runnel.Redis.Sending;

/// <summary>The channels that this process has to do with: there are never two objects for the same one that are in use.</summary>
internal sealed class ChannelTable(RedisStore store)
{
    private readonly ConcurrentDictionary<ChannelName, RedisChannel> _channels = new();

    public RedisChannel ChannelOf(ChannelName name) => _channels.GetOrAdd(name, static (name, store) => new RedisChannel(name, store), store);

    /// <summary>A channel that is not forgotten until <see cref="RedisChannel.Exit"/>.</summary>
    public RedisChannel Enter(ChannelName name)
    {
        while (true)
        {
            if (ChannelOf(name) is var channel && channel.TryEnter())
                return channel;
        }
    }

    /// <summary>Forgets channels that nobody here has to do with any more.</summary>
    public void ForgetIdle()
    {
        foreach (var entry in _channels.Where(static entry => entry.Value.TryRetire()))
            _channels.TryRemove(entry);
    }
}
