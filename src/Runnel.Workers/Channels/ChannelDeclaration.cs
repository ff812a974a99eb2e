using Runnel.Layers;

namespace Runnel.Workers.Channels;

/// <summary>A channel as <c>AddChannel</c> declares it, before there is a registry. Of several of one name, the last has the options of all.</summary>
internal sealed record ChannelDeclaration(ChannelName Name, ChannelOptions Options);
