namespace Runnel.Layers;

/// <summary>What a backplane carries messages under: a group, the inbox of one node, or a state.</summary>
public readonly record struct Topic
{
    private Topic(string value) => Value = value;

    /// <summary>The topic's name, unique over all kinds.</summary>
    public string Value { get; }

    /// <summary>The topic of a group.</summary>
    public static Topic OfGroup(GroupName group) => new("group:" + group.Value);

    /// <summary>The inbox of one node: what is sent to its connections from other nodes.</summary>
    public static Topic OfNode(string nodeId) => new("node:" + nodeId);

    /// <summary>The topic that a state is kept under (<see cref="IStateStore"/>). Applications cannot publish there.</summary>
    /// <exception cref="ArgumentException">The name has characters that group names do not have, or is too long.</exception>
    public static Topic OfState(string name) => GroupName.IsValid(name)
        ? new("state:" + name)
        : throw new ArgumentException($"'{name}' is no name for a state: it has up to {GroupName.MaxLength} characters out of A–Z, a–z, 0–9, '-', '_' and '.'.", nameof(name));

    /// <inheritdoc/>
    public override string ToString() => Value ?? "";
}
