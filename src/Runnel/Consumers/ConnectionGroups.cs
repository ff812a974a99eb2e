using Runnel.Consumers;
using Runnel.Layers;

namespace Runnel;

/// <summary>The groups as one connection sees them: it joins and leaves, and sends to any.</summary>
public readonly struct ConnectionGroups
{
    private readonly IMembership _membership;
    private readonly IGroups _groups;

    internal ConnectionGroups(IMembership membership, IGroups groups)
    {
        _membership = membership;
        _groups = groups;
    }

    /// <summary>This connection joins. It gets every message sent to the group after the call returned.</summary>
    /// <exception cref="ArgumentException">The name breaks the rule; the message states it.</exception>
    public ValueTask AddAsync(GroupName group, CancellationToken cancellationToken = default) => _membership.AddAsync(group, cancellationToken);

    /// <summary>This connection leaves; without effect when it is not in the group. When it closes it leaves all by itself.</summary>
    /// <exception cref="ArgumentException">The name breaks the rule; the message states it.</exception>
    public ValueTask RemoveAsync(GroupName group, CancellationToken cancellationToken = default) => _membership.RemoveAsync(group, cancellationToken);

    /// <inheritdoc cref="IGroups.SendAsync(GroupName, string, CancellationToken)"/>
    public ValueTask SendAsync(GroupName group, string text, CancellationToken cancellationToken = default) =>
        _groups.SendAsync(group, text, cancellationToken);

    /// <inheritdoc cref="IGroups.SendAsync(GroupName, ReadOnlyMemory{byte}, CancellationToken)"/>
    public ValueTask SendAsync(GroupName group, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) =>
        _groups.SendAsync(group, data, cancellationToken);

    /// <inheritdoc cref="IGroups.SendJsonAsync"/>
    public ValueTask SendJsonAsync<T>(GroupName group, T value, CancellationToken cancellationToken = default) =>
        _groups.SendJsonAsync(group, value, cancellationToken);

    /// <inheritdoc cref="IGroups.SendEventAsync"/>
    public ValueTask SendEventAsync<T>(GroupName group, string type, T body, CancellationToken cancellationToken = default) =>
        _groups.SendEventAsync(group, type, body, cancellationToken);
}
