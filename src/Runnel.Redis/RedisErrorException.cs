namespace Runnel.Redis;

/// <summary>Redis refused a command.</summary>
internal sealed class RedisErrorException(string error) : IOException($"Redis refused a command: {error}")
{
    /// <summary>What Redis said.</summary>
    public string Error => error;

    /// <summary>The error's first word, such as <c>NOSCRIPT</c>.</summary>
    public string Code { get; } = error.IndexOf(' ', StringComparison.Ordinal) is > 0 and var end ? error[..end] : error;

    /// <summary>Whether this server cannot do it now, but it or its successor will: it is loading its data, has become a replica, or was made to forget the scripts.</summary>
    public bool IsPassing => Code is "NOSCRIPT" or "LOADING" or "READONLY" or "MASTERDOWN" or "TRYAGAIN" or "CLUSTERDOWN";
}
