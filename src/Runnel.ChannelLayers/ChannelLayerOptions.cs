using System.ComponentModel.DataAnnotations;

namespace Runnel.ChannelLayers;

/// <summary>The limits of <see cref="IChannelLayer"/>; the defaults are those of Channels' layer specification.</summary>
public sealed class ChannelLayerOptions
{
    /// <summary>The most unread messages of a channel; all channels of one process (one name up to the <c>!</c>) share it.</summary>
    /// <value>100 by default.</value>
    [Range(1, int.MaxValue)]
    public int Capacity { get; set; } = 100;

    /// <summary>Other capacities by pattern (<c>*</c>, <c>?</c>, <c>[a-z]</c>, <c>[!a-z]</c>); the first that fits the full channel name counts.</summary>
    /// <value>None by default.</value>
    public IList<KeyValuePair<string, int>> ChannelCapacity { get; } = [];

    /// <summary>How long a message may wait unread.</summary>
    /// <value>60 seconds by default.</value>
    [Range(typeof(TimeSpan), "00:00:00.001", "10675199.00:00:00")]
    public TimeSpan Expiry { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a channel stays in a group after it was last added.</summary>
    /// <value>1 day by default.</value>
    [Range(typeof(TimeSpan), "00:00:00.001", "10675199.00:00:00")]
    public TimeSpan GroupExpiry { get; set; } = TimeSpan.FromDays(1);

    /// <summary>The most bytes of one message, encoded.</summary>
    /// <value>4 MiB by default; the specification asks for at least 1 MiB.</value>
    [Range(1024, int.MaxValue)]
    public int MaxMessageBytes { get; set; } = 4 * 1024 * 1024;
}
