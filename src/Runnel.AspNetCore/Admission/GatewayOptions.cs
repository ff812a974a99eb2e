using System.ComponentModel.DataAnnotations;

namespace Runnel.AspNetCore;

/// <summary>What is the same for all connections of a node: sockets, and streams of a job's events.</summary>
public sealed class GatewayOptions
{
    /// <summary>The most connections on this node; further ones are answered with 503.</summary>
    /// <value>100,000 by default.</value>
    [Range(1, int.MaxValue)]
    public int MaxConnections { get; set; } = 100_000;

    /// <summary>The most connections from one remote address; further ones are answered with 429.</summary>
    /// <remarks>Behind a proxy all clients have its address, unless the application uses ASP.NET Core's forwarded headers.</remarks>
    /// <value>10,000 by default.</value>
    [Range(1, int.MaxValue)]
    public int MaxConnectionsPerAddress { get; set; } = 10_000;

    /// <summary>The most new connections per second, in the long run; further ones are answered with 503. After a calm second, as many come in at once.</summary>
    /// <remarks>It spares what consumers ask when they connect, such as the database, when all clients of another node come here at once.</remarks>
    /// <value>5,000 by default.</value>
    [Range(1, 1_000_000)]
    public int MaxConnectionsPerSecond { get; set; } = 5_000;

    /// <summary>The most sockets that are being connected at the same time; further ones are answered with 503.</summary>
    /// <remarks>
    /// A socket is being connected until its consumer's <c>OnConnectAsync</c> has returned. If the client speaks <c>runnel.v1</c>, the wait for its hello counts, too (<see cref="HelloTimeout"/>).
    /// </remarks>
    /// <value>5,000 by default.</value>
    [Range(1, int.MaxValue)]
    public int MaxHandshakes { get; set; } = 5_000;

    /// <summary>How long a socket may be silent before it is pinged; also how often a stream of events has a comment.</summary>
    /// <value>20 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan KeepAliveInterval { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How long a socket may be silent, pings notwithstanding, before it is taken for dead and cut; also how long its client may take for one write.</summary>
    /// <remarks>A write is up to 64 KiB. A client that takes nothing is cut, and so is one that needs longer for a single write.</remarks>
    /// <value>60 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00.200", "02:00:00")]
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a client that speaks <c>runnel.v1</c> may take to say hello after the handshake; one that takes longer is closed with 1013.</summary>
    /// <value>10 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan HelloTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Over which time clients that speak <c>runnel.v1</c> spread their first attempt to come back. Later attempts spread at least as wide.</summary>
    /// <remarks>If one node can hold more clients than another takes in this time, make it longer.</remarks>
    /// <value>2 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan ReconnectWindow { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a node that is told to stop goes on as before, except that its health check (<c>AddHealthChecks().AddRunnel()</c>) fails.</summary>
    /// <remarks>For load balancers that ask the health check: they need this time to notice. One that tries the next node by itself, such as nginx, needs none.</remarks>
    /// <value>Zero by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan DrainDelay { get; set; }

    /// <summary>Over which time a node that stops closes its connections, so that their clients do not all come to the other nodes at once.</summary>
    /// <remarks>It closes at least 100 in a second, so a node with few connections needs less.</remarks>
    /// <value>10 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan DrainTime { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a client may take to answer a close, and to read what was sent before it, until it is cut.</summary>
    /// <value>5 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(5);
}
