using System.ComponentModel.DataAnnotations;

namespace Runnel;

/// <summary>How much may wait for one client, and what happens when there is more.</summary>
public sealed class OutboundOptions
{
    /// <summary>The most bytes that a node keeps for one client: what waits to be written, what is being written, and what it costs to keep them.</summary>
    /// <remarks>
    /// One message of a group may always wait, however large. A message of a group counts in full for each client, although they share it. What a consumer
    /// sends itself fills a quarter at most, then its <c>SendAsync</c> waits: the rest is for its groups, which cannot wait. The consumer has its quarter
    /// even when its groups fill all, so the worst is <see cref="MaxBytes"/> and a quarter.
    /// </remarks>
    /// <value>4 MiB by default: 10,000 short messages at once cut no client that reads.</value>
    [Range(1, int.MaxValue)]
    public int MaxBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>The most messages that wait to be written. Set it for policies that drop messages, where few are better. Otherwise <see cref="MaxBytes"/> decides.</summary>
    /// <value>1,000,000 by default, so that <see cref="MaxBytes"/> is reached first.</value>
    [Range(1, 1_000_000)]
    public int MaxMessages { get; set; } = 1_000_000;

    /// <summary>What happens when a message to a group finds no room. A consumer's own <c>SendAsync</c> waits for room instead.</summary>
    /// <value><see cref="OutboundPolicy.Disconnect"/> by default.</value>
    public OutboundPolicy Policy { get; set; } = OutboundPolicy.Disconnect;
}
