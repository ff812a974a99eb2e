namespace Runnel.Layers;

/// <summary>What a backplane carries messages under: a group, or the inbox of one node.</summary>
public readonly record struct Topic
{
    private Topic(string value) => Value = value;

    /// <summary>The topic's name, unique over groups and inboxes.</summary>
    public string Value { get; }

    /// <summary>The topic of a group.</summary>
    public static Topic OfGroup(GroupName group) => new("group:" + group.Value);

    /// <summary>The inbox of one node: what is sent to its connections from other nodes.</summary>
    public static Topic OfNode(string nodeId) => new("node:" + nodeId);

    /// <inheritdoc/>
    public override string ToString() => Value ?? "";
}
