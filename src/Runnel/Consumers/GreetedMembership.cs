using Runnel.Groups;

namespace Runnel.Consumers;

/// <summary>The membership of a socket whose client speaks <c>runnel.v1</c>: its streams come back with the positions of its hello.</summary>
internal sealed class GreetedMembership(Connection connection, ClientHello hello, IEventSink events, GroupRegistry groups)
    : LocalMembership(MemberOf(connection, form: null, events), groups)
{
    private readonly GroupRegistry _groups = groups;

    public override IMembership OfStream(Connection stream, string name, IEventSink events) =>
        Of(stream, _groups.ClientOf(hello, name, stream.Scope.User), events, _groups);
}
