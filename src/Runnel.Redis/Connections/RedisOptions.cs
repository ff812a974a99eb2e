using System.ComponentModel.DataAnnotations;

namespace Runnel.Redis;

/// <summary>Where Redis is, and how it is used.</summary>
public sealed class RedisOptions
{
    internal const string PrefixPattern = "[A-Za-z0-9_.-]{1,40}";

    /// <summary>
    /// Where Redis is: <c>redis://[user[:password]@]host[:port][/database]</c>, <c>rediss://…</c> with TLS, or <c>redis:///path/to/redis.sock</c>
    /// for a unix socket. Behind a <c>?</c>: <c>prefix=</c>, <c>db=</c>, <c>ca=</c>, the file of the authority that signed the server's certificate, and
    /// <c>keys=</c>, a file of keys for encryption, one in a line, which come behind <see cref="EncryptionKeys"/>.
    /// </summary>
    /// <value><c>redis://127.0.0.1:6379</c> by default.</value>
    [Required]
    public string Address { get; set; } = "redis://127.0.0.1:6379";

    /// <summary>What every key and pub/sub channel begins with; applications that share a server have one each. The address's <c>prefix=</c> sets it, too.</summary>
    /// <value><c>runnel</c> by default.</value>
    [RegularExpression(PrefixPattern)]
    public string Prefix { get; set; } = "runnel";

    /// <summary>
    /// Keys of 32 bytes, in Base64. When there are any, everything stored is encrypted (AES-256-GCM) by the first, and all of them can read. To change
    /// a key, put the new one behind the old one everywhere, so that all can read it; then put it first everywhere; and drop the old one when nothing is
    /// stored under it any more.
    /// </summary>
    /// <value>None by default: everybody who can read Redis can read what is stored.</value>
    public IList<string> EncryptionKeys { get; } = [];

    /// <summary>How long a connection may take to be made, and Redis to answer, before the connection counts as dead.</summary>
    /// <value>5 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long what is published or stored waits for Redis to come back, before it fails.</summary>
    /// <value>10 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan OutageTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How many commands wait for Redis to come back; one more fails at once.</summary>
    /// <value>10,000 by default.</value>
    [Range(1, 10_000_000)]
    public int OutageBuffer { get; set; } = 10_000;

    /// <summary>How many bytes those commands may have together.</summary>
    /// <value>64 MiB by default.</value>
    [Range(1024, int.MaxValue)]
    public int OutageBufferBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>How long a dead letter is kept. What is older is deleted, and that is logged with the number.</summary>
    /// <value>14 days by default.</value>
    [Range(typeof(TimeSpan), "00:00:01", "3650.00:00:00")]
    public TimeSpan DeadLetterRetention { get; set; } = TimeSpan.FromDays(14);
}
