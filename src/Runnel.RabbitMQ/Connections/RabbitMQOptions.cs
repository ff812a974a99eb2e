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
    [EnumDataType(typeof(RabbitMQWire))]
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

    /// <summary>The most bytes of a message on a channel, its headers included: one that is larger is refused before it is sent.</summary>
    /// <remarks>RabbitMQ 4 takes 16 MiB unless its <c>max_message_size</c> says otherwise, older ones take 128 MiB. A message that is larger than the broker takes costs the connection.</remarks>
    /// <value>16 MiB by default.</value>
    [Range(1024, 512 * 1024 * 1024)]
    public int MaxMessageBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>How many messages the broker hands to a worker before it has settled the first of them, while its handlers are fast.</summary>
    /// <value>1,000 by default.</value>
    [Range(10, 2_000)]
    public int Prefetch { get; set; } = 1_000;

    /// <summary>Into how many queues the messages with a key of one channel are split. Each is handled by one worker at a time, so that more workers than these would idle.</summary>
    /// <remarks>It is fixed when a channel has its first message with a key: all processes then use that number, whatever this says.</remarks>
    /// <value>16 by default.</value>
    [Range(1, 256)]
    public int KeyShards { get; set; } = 16;

    /// <summary>For how long a worker may hold a message before the broker takes it back, which counts as if the worker had died.</summary>
    /// <remarks>
    /// RabbitMQ 3.12 and later go by this (<c>x-consumer-timeout</c>); it is fixed when a channel is first used. Older ones go by <c>consumer_timeout</c> in rabbitmq.conf: if you change one,
    /// change the other. A message with a key is held while it waits for a retry, so that retries may be delayed by half of this at most.
    /// </remarks>
    /// <value>30 minutes by default, as is RabbitMQ's own.</value>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00")]
    public TimeSpan DeliveryTimeout { get; set; } = TimeSpan.FromMinutes(30);

    internal int MostLocal => LocalCapacity ?? (Wire == RabbitMQWire.Django ? 100 : 2_000);

    internal int MostRemote => RemoteCapacity ?? (Wire == RabbitMQWire.Django ? 100 : 100_000);
}
