namespace Runnel.Redis.Resp;

/// <summary>Redis refused a command.</summary>
internal sealed class RedisErrorException(string error) : IOException($"Redis refused a command: {error}")
{
    /// <summary>What Redis said.</summary>
    public string Error => error;

    /// <summary>The error's first word, such as <c>NOSCRIPT</c>.</summary>
    public string Code { get; } = CodeOf(error);

    /// <summary>Whether this server cannot do it now, but it or its successor will: it is loading its data, has become a replica, or was made to forget the scripts.</summary>
    public bool IsPassing => Code is "NOSCRIPT" or "LOADING" or "READONLY" or "MASTERDOWN" or "TRYAGAIN" or "CLUSTERDOWN";

    /// <summary>Whether what is stored is not as Runnel stores it: another program has written to a key, or a key was lost. Everything else goes on.</summary>
    public bool IsOfData => Code is "WRONGTYPE" or "ERR";

    private static string CodeOf(string error)
    {
        // Redis 6 puts the place in a script before what was refused there: "ERR Error running script (call to f_…): @user_script:4: @user_script: 4: -READONLY You can't …".
        var inScript = error.StartsWith("ERR Error running script", StringComparison.Ordinal) ? error.IndexOf(": -", StringComparison.Ordinal) : -1;
        var said = inScript < 0 ? error : error[(inScript + ": -".Length)..];
        return said.Split(' ', 2)[0];
    }
}
