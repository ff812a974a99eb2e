using Runnel.Consumers;
using Runnel.Layers;

namespace Runnel;

/// <summary>The groups as one connection sees them: it joins and leaves them, and sends to any of them.</summary>
public readonly struct ConnectionGroups
{
    private readonly IMembership _membership;
    private readonly IGroups _groups;

    internal ConnectionGroups(IMembership membership, IGroups groups)
    {
        _membership = membership;
        _groups = groups;
    }

    /// <summary>This connection joins. It gets every message that is sent to the group after the call has returned.</summary>
    /// <remarks>
    /// If the client comes back and the group keeps history (<see cref="RunnelOptions.KeepHistory"/>), it also gets what it missed, in order and before anything later, once <c>OnConnectAsync</c>
    /// has returned. Join in <c>OnConnectAsync</c>: what the client has shown by then and nobody joined is lost.
    /// </remarks>
    /// <returns>Whether the client has missed something: send it the present state unless it is <see cref="JoinOutcome.Recovered"/>.</returns>
    /// <exception cref="ArgumentException">The name breaks the rule; the message states it.</exception>
    /// <exception cref="InvalidOperationException">The group keeps history, and the endpoint's outbound policy drops messages.</exception>
    public async ValueTask<JoinedGroup> AddAsync(GroupName group, CancellationToken cancellationToken = default) => new(await _membership.AddAsync(group, cancellationToken));

    /// <summary>This connection leaves the group, if it is a member. A connection that closes leaves all its groups.</summary>
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
