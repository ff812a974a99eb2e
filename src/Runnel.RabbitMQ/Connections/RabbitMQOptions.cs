using System.ComponentModel.DataAnnotations;
using RabbitMQ.Client;

namespace Runnel.RabbitMQ;

/// <summary>Where RabbitMQ is, and how it is used.</summary>
/// <remarks>The names and meanings of <see cref="Host"/>, <see cref="Expiry"/>, the capacities and <see cref="GroupsExchange"/> are those of Python's channels_rabbitmq.</remarks>
public sealed class RabbitMQOptions
{
    internal const string PrefixPattern = "[A-Za-z0-9_.-]{1,40}";

    /// <summary>
    /// Where RabbitMQ is: <c>amqp://[user[:password]@]host[:port][/vhost]</c>, or <c>amqps://…</c> with TLS. A name that stands for several addresses is tried address by
    /// address. Behind a <c>?</c>: <c>prefix=</c>, <c>wire=runnel</c> or <c>wire=django</c>, and, with TLS, <c>ca=</c>, the file of the authority that signed the broker's
    /// certificate, <c>cert=</c> and <c>key=</c>, the files of the client's own certificate and of its key (PEM).
    /// </summary>
    /// <value><c>amqp://guest:guest@127.0.0.1:5672/</c> by default. The port is 5672, with TLS 5671; the virtual host is <c>/</c>.</value>
    [Required]
    public string Host { get; set; } = "amqp://guest:guest@127.0.0.1:5672/";

    /// <summary>What the names of queues and exchanges begin with; applications that share a virtual host have one each. The address's <c>prefix=</c> sets it, too.</summary>
    /// <remarks><see cref="RabbitMQWire.Django"/> has its own names for groups.</remarks>
    /// <value><c>runnel</c> by default.</value>
    [RegularExpression(PrefixPattern)]
    public string Prefix { get; set; } = "runnel";

    /// <summary>In which form messages to groups travel. The address's <c>wire=</c> sets it, too.</summary>
    /// <value><see cref="RabbitMQWire.Runnel"/> by default.</value>
    public RabbitMQWire Wire { get; set; }

    /// <summary>The exchange of the groups. Nodes with different ones do not hear each other.</summary>
    /// <value><c>groups</c> by default. On Runnel's own wire <see cref="Prefix"/> and a dot come before it.</value>
    [Required]
    [StringLength(200, MinimumLength = 1)]
    public string GroupsExchange { get; set; } = "groups";

    /// <summary>How long a message to a group, or to a node's connections, waits in the broker for its node, before it is dropped.</summary>
    /// <value>60 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00.001", "1.00:00:00")]
    public TimeSpan Expiry { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long such a message waits in this process for whoever reads it, before it is dropped.</summary>
    /// <value><see langword="null"/> by default: as long as <see cref="Expiry"/>.</value>
    [Range(typeof(TimeSpan), "00:00:00.001", "1.00:00:00")]
    public TimeSpan? LocalExpiry { get; set; }

    /// <summary>How many such messages the broker hands to this process before it has taken the first of them.</summary>
    /// <value><see langword="null"/> by default: 2,000, or 100 on <see cref="RabbitMQWire.Django"/>.</value>
    [Range(1, 65_535)]
    public int? LocalCapacity { get; set; }

    /// <summary>How many such messages wait in the broker for this node. One more is refused.</summary>
    /// <value><see langword="null"/> by default: 100,000, or 100 on <see cref="RabbitMQWire.Django"/>.</value>
    [Range(1, int.MaxValue)]
    public int? RemoteCapacity { get; set; }

    /// <summary>How TLS is done, for an address that begins with <c>amqps:</c>.</summary>
    /// <value><see langword="null"/> by default: as the address says, with the authorities that the system trusts.</value>
    public SslOption? Ssl { get; set; }

    /// <summary>How often client and broker say that they live. Whoever says nothing for twice as long is dead.</summary>
    /// <value>10 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a connection may take to be made, and the broker to answer, before the connection counts as dead.</summary>
    /// <value>10 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long what is published or stored waits for the broker to come back, or to take messages again, before it fails.</summary>
    /// <value>10 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan OutageTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How many messages wait for the broker to come back; one more fails at once.</summary>
    /// <value>10,000 by default.</value>
    [Range(1, 10_000_000)]
    public int OutageBuffer { get; set; } = 10_000;

    /// <summary>How many bytes those messages may have together.</summary>
    /// <value>64 MiB by default.</value>
    [Range(1024, int.MaxValue)]
    public int OutageBufferBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>How long a dead letter is kept.</summary>
    /// <remarks>It is fixed when the channel is first used: the broker keeps it with the queue.</remarks>
    /// <value>14 days by default.</value>
    [Range(typeof(TimeSpan), "00:00:01", "3650.00:00:00")]
    public TimeSpan DeadLetterRetention { get; set; } = TimeSpan.FromDays(14);

    internal int MostLocal => LocalCapacity ?? (Wire == RabbitMQWire.Django ? 100 : 2_000);

    internal int MostRemote => RemoteCapacity ?? (Wire == RabbitMQWire.Django ? 100 : 100_000);
}
