using System.ComponentModel.DataAnnotations;

namespace Runnel;

/// <summary>How connections go to consumers in workers, and on from a worker that leaves or dies.</summary>
public sealed class HandoverOptions
{
    /// <summary>Whether this node leaves the consumers of its connections to workers.</summary>
    /// <value><see langword="false"/> by default; <c>runserver --noworker</c> sets it.</value>
    public bool HandsOut { get; set; }

    /// <summary>The most connections of gateways whose consumers this node runs. Gateways that find no other worker let their clients wait.</summary>
    /// <value>100,000 by default.</value>
    [Range(1, int.MaxValue)]
    public int MaxConnections { get; set; } = 100_000;

    /// <summary>The most HTTP requests of gateways that this node answers at the same time. A gateway hands one more to another worker, and answers it with 503 if there is none.</summary>
    /// <value>1,000 by default.</value>
    [Range(1, int.MaxValue)]
    public int MaxRequests { get; set; } = 1_000;

    /// <summary>How long a client waits for a worker whose consumer accepts it. Then it is answered with 503.</summary>
    /// <value>10 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an accepted connection waits when no worker is there. Then it is closed with <see cref="CloseCode.ServiceRestart"/>.</summary>
    /// <value>30 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan AdoptionTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Which of the headers that let a client in go to workers, too: <c>Cookie</c>, <c>Authorization</c>, <c>Proxy-Authorization</c>. Every other header goes there.</summary>
    /// <remarks>A consumer in a worker knows the user without them. Whoever can read along on the layer could use them to act as that user.</remarks>
    /// <value>None by default.</value>
    public IList<string> ForwardHeaders { get; } = [];
}
