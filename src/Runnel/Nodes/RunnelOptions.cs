using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Runnel.Frames;
using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel;

/// <summary>Options that all connections and groups of an application share.</summary>
public sealed class RunnelOptions
{
    private readonly List<HistoryRule> _histories = [];

    /// <summary>How Runnel writes and reads messages as JSON.</summary>
    /// <value>By default those of the web (camelCase, case-insensitive), without escaping other alphabets.</value>
    [Required]
    public JsonSerializerOptions Json { get; set; } = RunnelJson.CreateOptions();

    /// <summary>The most bytes that a message to a group or to one connection may have, encoded.</summary>
    /// <value>1 MiB by default.</value>
    [Range(1024, int.MaxValue)]
    public int MaxGroupMessageBytes { get; set; } = 1024 * 1024;

    /// <summary>The most bytes of events (messages for code) that wait on one connection for a consumer that is busy. If there are more, the connection is closed with 1013.</summary>
    /// <remarks>
    /// All streams of a shared socket share it, and so does what groups send to a client while its consumer connects, or has an event of a group with history to handle first. One message may
    /// always wait, however large.
    /// </remarks>
    /// <value>4 MiB by default: 10,000 short events at once cut no connection.</value>
    [Range(1, int.MaxValue)]
    public int MaxWaitingEventBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>How long a node stays subscribed to a group after its last member here has left, so that the next member joins at no cost.</summary>
    /// <value>2 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan GroupLinger { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long after it joined a group a client may come back with a position of it. A client that comes later needs the present state.</summary>
    /// <value>30 days by default.</value>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00")]
    public TimeSpan PositionLifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long connections may take to close when the node stops, once all were told to, and how long a worker goes on with the HTTP requests that it has. After that, Runnel cuts them.</summary>
    /// <value>5 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the other nodes take this node for alive after they heard it last. Five times in it, a node says that it lives. Give all nodes the same.</summary>
    /// <remarks>SQLite's locks take the place of the lease: there, a node that has died is noticed within some two seconds. See <see cref="INodes"/>.</remarks>
    /// <value>5 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan NodeLease { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Where this node is, for people who look at the list of nodes.</summary>
    /// <value><see langword="null"/> by default: the address that the server listens on, or the machine's name and the process's number.</value>
    [StringLength(200, MinimumLength = 1)]
    public string? NodeAddress { get; set; }

    /// <summary>Which groups keep history, in the order declared: the first that fits counts.</summary>
    internal IReadOnlyList<HistoryRule> Histories => _histories;

    /// <summary>Groups keep history: a client that speaks <c>runnel.v1</c> and was cut off gets what it missed.</summary>
    /// <remarks>
    /// The first call that fits a group counts. All nodes must say the same. Messages of a group with history are stored by the layer, so a send costs more, and waits while the broker is away (on Redis
    /// for <c>RedisOptions.OutageTimeout</c>, 10 seconds by default): the message arrives once.
    /// </remarks>
    /// <param name="groups">The groups' names, as a pattern: <c>articles*</c>.</param>
    /// <param name="retention">How much is kept; <see langword="null"/> to keep nothing of these groups, whatever a later call says.</param>
    /// <param name="isRequired">Whether the start is refused on a layer that keeps no history; otherwise the groups keep none there.</param>
    /// <example><code>builder.Services.AddRunnel(options => options.KeepHistory("articles*", new Retention(1000, TimeSpan.FromMinutes(2))));</code></example>
    public RunnelOptions KeepHistory(string groups, Retention? retention, bool isRequired = true)
    {
        ArgumentException.ThrowIfNullOrEmpty(groups);
        _histories.Add(new HistoryRule(new Glob(groups), retention, isRequired && retention is not null));
        return this;
    }

    /// <summary>Whether there is no group without a history that is required.</summary>
    internal bool EveryGroupKeepsHistory => _histories.TakeWhile(static rule => rule.IsRequired).Any(static rule => rule.Groups.Pattern.All(static character => character == '*'));

    /// <summary>The first rule that fits a group.</summary>
    internal HistoryRule? HistoryOf(GroupName group)
    {
        foreach (var rule in _histories)
        {
            if (rule.Groups.IsMatch(group.Value))
                return rule;
        }
        return null;
    }
}
