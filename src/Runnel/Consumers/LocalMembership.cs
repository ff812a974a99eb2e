using Runnel.Groups;
using Runnel.Layers;

namespace Runnel.Consumers;

/// <summary>The membership of a connection whose socket is in this process.</summary>
internal class LocalMembership(GroupMember member, GroupRegistry groups) : IMembership
{
    /// <summary>The membership of a connection that has its socket to itself.</summary>
    public static LocalMembership Of(SocketConnection connection, object? form, IEventSink events, GroupRegistry groups) => new(MemberOf(connection, form, events), groups);

    public ChannelName ChannelName => groups.ChannelNameOf(member);

    public byte[]? Kept => null;

    public bool IsOver => false;

    public void Begin() => groups.Begin(member);

    public virtual void Release() => groups.Release(member);

    public ValueTask<JoinOutcome> AddAsync(GroupName group, CancellationToken cancellationToken) => groups.AddAsync(group, member, cancellationToken);

    public ValueTask RemoveAsync(GroupName group, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        groups.Remove(group, member);
        return ValueTask.CompletedTask;
    }

    public void Handled(GroupMessage message) => groups.Handled(member, message);

    public void HandledMessage()
    {
        // Whoever gave the message to the consumer waits for it.
    }

    public void Keep(byte[] json, bool isHandling)
    {
        // Nobody else adopts it: the connection itself keeps the value.
    }

    IMembership IMembership.OfStream(long number, string name, IEventSink events) => OfStream(number, name, events);

    /// <inheritdoc cref="IMembership.OfStream"/>
    public virtual LocalMembership OfStream(long number, string name, IEventSink events) => StreamOf(number, name, events);

    public void End() => groups.End(member);

    /// <summary>A stream's membership; its frames wait for the client with those of the socket.</summary>
    private protected LocalMembership StreamOf(long number, object form, IEventSink events) => new(member.OfStream(number, form, events), groups);

    private protected static GroupMember MemberOf(SocketConnection connection, object? form, IEventSink events) =>
        new(connection.Number, connection.Outbound, form, events, connection.Waiting);
}
