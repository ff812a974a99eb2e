using Runnel.Groups;
using Runnel.Layers;

namespace Runnel.Consumers;

/// <summary>The membership of a connection whose socket is in this process.</summary>
internal sealed class LocalMembership(GroupMember member, GroupRegistry groups) : IMembership
{
    /// <summary>The membership of a connection that has its socket to itself, or is a stream of a shared one.</summary>
    public static LocalMembership Of(Connection connection, string? stream, IEventSink events, GroupRegistry groups) =>
        new(new GroupMember(connection.Number, connection.Outbound, stream, events, connection.Node.Options.MaxWaitingEventBytes), groups);

    public void Begin() => groups.Begin(member);

    public void Release() => groups.Release(member);

    public ValueTask AddAsync(GroupName group, CancellationToken cancellationToken) => groups.AddAsync(group, member, cancellationToken);

    public ValueTask RemoveAsync(GroupName group, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        groups.Remove(group, member);
        return ValueTask.CompletedTask;
    }

    public IMembership OfStream(Connection stream, string name, IEventSink events) => Of(stream, name, events, groups);

    public void End() => groups.End(member);
}
