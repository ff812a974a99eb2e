using Runnel.Layers;

namespace Runnel.RabbitMQ.Django;

/// <summary>Where a message on Django's wire goes: a group, or one channel of a process. The message says it in an entry of its own.</summary>
internal readonly record struct DjangoAddress
{
    public const string GroupEntry = "__asgi_group__", ChannelEntry = "__asgi_channel__";

    private DjangoAddress(bool isGroup, string name) => (IsGroup, Name) = (isGroup, name);

    public bool IsGroup { get; }

    public string Name { get; }

    /// <summary>The entry of the message that has the name.</summary>
    public string Entry => IsGroup ? GroupEntry : ChannelEntry;

    /// <summary>What the broker finds it by: the group's name, or that of the queue of the channel's process.</summary>
    public string RoutingKey => IsGroup ? Name : Name[..Name.IndexOf('!', StringComparison.Ordinal)];

    public static DjangoAddress OfGroup(GroupName group) => new(true, group.Value);

    /// <summary>The address of a channel of one process.</summary>
    public static DjangoAddress OfChannel(ChannelName channel) => new(false, channel.Value);

    /// <summary>Reads what a message says.</summary>
    /// <exception cref="FormatException">It is not a name.</exception>
    public static DjangoAddress Of(bool isGroup, string name) =>
        (isGroup ? GroupName.IsValid(name) : ChannelName.IsValid(name) && name.Contains('!', StringComparison.Ordinal))
            ? new(isGroup, name)
            : throw new FormatException($"The message is for a {(isGroup ? "group" : "channel")} whose name is not valid.");

    public override string ToString() => $"{(IsGroup ? "group" : "channel")} '{Name}'";
}
