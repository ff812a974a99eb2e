using System.ComponentModel.DataAnnotations;

namespace Runnel;

/// <summary>How much may wait for one client, and what happens when it is more.</summary>
public sealed class OutboundOptions
{
    /// <summary>The most messages that wait for one client.</summary>
    /// <value>1,024 by default.</value>
    [Range(1, 1_000_000)]
    public int MaxMessages { get; set; } = 1024;

    /// <summary>The most bytes that wait for one client. A single message may be larger: it then waits alone.</summary>
    /// <value>1 MiB by default.</value>
    [Range(1, int.MaxValue)]
    public int MaxBytes { get; set; } = 1024 * 1024;

    /// <summary>What happens when a message to a group finds no room. A consumer's own <c>SendAsync</c> waits for room instead.</summary>
    /// <value><see cref="OutboundPolicy.Disconnect"/> by default.</value>
    public OutboundPolicy Policy { get; set; } = OutboundPolicy.Disconnect;
}
