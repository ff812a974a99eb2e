using Runnel.Groups;

namespace Runnel.Consumers;

/// <summary>The membership of a socket whose client speaks <c>runnel.v1</c>: its streams come back with the positions of its hello.</summary>
internal sealed class GreetedMembership(SocketConnection connection, ClientHello hello, IEventSink events, GroupRegistry groups)
    : LocalMembership(MemberOf(connection, form: null, events), groups)
{
    private readonly GroupRegistry _groups = groups;
    private ClientHello _hello = hello;

    public override void Release()
    {
        base.Release();
        _hello = _hello.WithoutPositions(); // all streams have begun, and have dealt with them
    }

    public override LocalMembership OfStream(long number, string name, IEventSink events) => StreamOf(number, _groups.ClientOf(_hello, name, connection.Scope.User, connection.Waiting), events);
}
