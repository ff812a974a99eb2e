namespace Runnel.Tests.Servers;

/// <summary>How a <see cref="RedisServer"/> is started. What is not said here is as Redis has it by default.</summary>
public sealed record RedisServerOptions
{
    /// <summary>Whether what is written outlives the process.</summary>
    public bool AppendOnly { get; init; } = true;

    /// <summary>When the disk is told to confirm: <c>everysec</c>, <c>always</c> or <c>no</c>.</summary>
    /// <remarks>
    /// What is to survive a kill needs <c>always</c>: with <c>everysec</c> Redis answers before it writes, while the disk is busy with what was written before
    /// (flushAppendOnlyFile in its aof.c; measured: 51 confirmed writes of 5,120 gone after kill -9).
    /// </remarks>
    public string AppendFsync { get; init; } = "always";

    /// <summary>What happens when there is no memory left; a queue can only live with <c>noeviction</c>.</summary>
    public string MaxMemoryPolicy { get; init; } = "noeviction";

    /// <summary>The only user that gets in, with all rights; <see langword="null"/> for Redis's own <c>default</c>.</summary>
    public string? User { get; init; }

    /// <summary>The password of that user.</summary>
    public string? Password { get; init; }

    /// <summary>What <see cref="User"/> may do, as Redis writes it.</summary>
    public string UserRights { get; init; } = "~* &* +@all";

    /// <summary>Whether the port speaks TLS, with a certificate of an authority of its own.</summary>
    public bool Tls { get; init; }

    /// <summary>More lines of the configuration file.</summary>
    public IReadOnlyList<string> Configuration { get; init; } = [];
}
