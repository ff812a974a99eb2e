using Runnel.Groups;
using Runnel.Layers;

namespace Runnel.Consumers;

/// <summary>The membership of a connection whose socket is in this process.</summary>
internal class LocalMembership(GroupMember member, GroupRegistry groups) : IMembership
{
    /// <summary>The membership of a connection that has its socket to itself, or is a stream of a shared one.</summary>
    public static LocalMembership Of(Connection connection, object? form, IEventSink events, GroupRegistry groups) => new(MemberOf(connection, form, events), groups);

    public void Begin() => groups.Begin(member);

    public void Release() => groups.Release(member);

    public ValueTask<JoinOutcome> AddAsync(GroupName group, CancellationToken cancellationToken) => groups.AddAsync(group, member, cancellationToken);

    public ValueTask RemoveAsync(GroupName group, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        groups.Remove(group, member);
        return ValueTask.CompletedTask;
    }

    public void Handled(GroupMessage message) => groups.Handled(member, message);

    public virtual IMembership OfStream(Connection stream, string name, IEventSink events) => Of(stream, name, events, groups);

    public void End() => groups.End(member);

    private protected static GroupMember MemberOf(Connection connection, object? form, IEventSink events) =>
        new(connection.Number, connection.Outbound, form, events, connection.Node.Options.MaxWaitingEventBytes);
}
