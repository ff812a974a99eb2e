using Runnel.Layers;

namespace Runnel.ChannelLayers;

/// <summary>A channel's membership in a group of one channel layer.</summary>
/// <param name="Group">The group.</param>
/// <param name="Channel">The member.</param>
/// <param name="Since">When it began, or was last renewed; in ticks.</param>
internal sealed record LayerMembership(LayerGroup Group, ChannelName Channel, long Since);
