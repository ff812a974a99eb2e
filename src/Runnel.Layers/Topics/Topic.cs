namespace Runnel.Layers;

/// <summary>What a backplane carries messages under: a group, the inbox of one node, a state, or something of Runnel's own.</summary>
public readonly record struct Topic
{
    private const string JobPrefix = "job.";

    private Topic(TopicKind kind, string value) => (Kind, Value) = (kind, value);

    /// <summary>What the topic is for.</summary>
    public TopicKind Kind { get; }

    /// <summary>The topic's name, unique over all kinds.</summary>
    public string Value { get; }

    /// <summary>The topic of a group. The group of a job, <c>job.</c> and the job's id, is the topic of its state: whoever joins it sees the states.</summary>
    public static Topic OfGroup(GroupName group) => IsOfJob(group.Value) ? OfState(group.Value) : new(TopicKind.Group, "group:" + group.Value);

    /// <summary>The inbox of one node: what is sent to its connections from other nodes.</summary>
    public static Topic OfNode(string nodeId) => new(TopicKind.Node, "node:" + nodeId);

    /// <summary>The topic that a state is kept under (<see cref="IStateStore"/>). Applications cannot publish there.</summary>
    /// <exception cref="ArgumentException">The name has characters that group names do not have, or is too long.</exception>
    public static Topic OfState(string name) => new(TopicKind.State, "state:" + Check(name, "a state"));

    /// <summary>A topic of Runnel's own. Applications cannot publish there.</summary>
    /// <exception cref="ArgumentException">The name has characters that group names do not have, or is too long.</exception>
    public static Topic OfRunnel(string name) => new(TopicKind.Runnel, "runnel:" + Check(name, "a topic"));

    /// <inheritdoc/>
    public override string ToString() => Value ?? "";

    private static bool IsOfJob(string group) => group.StartsWith(JobPrefix, StringComparison.Ordinal) && MessageId.TryParse(group[JobPrefix.Length..], out _);

    private static string Check(string name, string what) => GroupName.IsValid(name)
        ? name
        : throw new ArgumentException($"'{name}' is not a name for {what}: a name has up to {GroupName.MaxLength} characters out of A–Z, a–z, 0–9, '-', '_' and '.'.", nameof(name));
}
