using Runnel.Layers;

namespace Runnel.Workers.Channels;

/// <summary>A channel as <c>AddChannel</c> declares it, before there is a registry.</summary>
internal sealed record ChannelDeclaration(ChannelName Name, Action<ChannelOptions>? Configure);
