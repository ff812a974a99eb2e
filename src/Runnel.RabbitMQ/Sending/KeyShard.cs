using System.Text;

namespace Runnel.RabbitMQ.Sending;

/// <summary>The shards of a channel: on which one a key falls, and how many of them are a worker's.</summary>
internal static class KeyShard
{
    private const uint Basis = 2_166_136_261, Prime = 16_777_619;
    private const int OnStack = 256;

    /// <summary>On which shard a key falls: the same on every machine, for ever (FNV-1a of its UTF-8).</summary>
    public static int Of(string key, int shards)
    {
        var length = Encoding.UTF8.GetMaxByteCount(key.Length);
        var bytes = length <= OnStack ? stackalloc byte[OnStack] : new byte[length];
        var hash = Basis;
        foreach (var each in bytes[..Encoding.UTF8.GetBytes(key, bytes)])
            hash = unchecked((hash ^ each) * Prime);
        // The last bits of FNV are its weakest.
        return (int)((hash ^ (hash >> 16)) % (uint)shards);
    }

    /// <summary>How many shards each of so many workers may have. Rounded up: a shard that is nobody's share would go from worker to worker for ever.</summary>
    public static int ShareOf(int shards, int workers) => (shards + workers - 1) / Math.Max(workers, 1);
}
