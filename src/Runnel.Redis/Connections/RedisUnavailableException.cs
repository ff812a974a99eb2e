namespace Runnel.Redis.Connections;

/// <summary>Redis is away, or went away in the middle.</summary>
internal sealed class RedisUnavailableException : IOException
{
    public RedisUnavailableException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}
