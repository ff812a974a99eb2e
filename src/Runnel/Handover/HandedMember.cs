using Runnel.Consumers;
using Runnel.Groups;

namespace Runnel.Handover;

/// <summary>A socket whose consumer works in a worker, or one of its streams: takes the events of its groups, and holds what its consumer keeps.</summary>
/// <param name="session">The session of the socket.</param>
/// <param name="stream">The number of the stream; 0 for the socket itself.</param>
/// <param name="name">The name of the stream.</param>
internal sealed class HandedMember(HandedSession session, long stream, string name) : IEventSink
{
    public long Stream => stream;

    /// <summary>Its groups.</summary>
    public LocalMembership Membership { get; set; } = null!;

    /// <summary>What its consumer keeps. Guarded by the session.</summary>
    public byte[]? Kept { get; set; }

    /// <summary>Whether its consumer has connected, so that nothing is held any more.</summary>
    public bool IsConnected { get; set; }

    /// <summary>Whether the stream was closed. Guarded by the session.</summary>
    public bool IsOver { get; set; }

    /// <summary>As the next owner has to know it.</summary>
    public StreamState ToState() => new(stream, name, IsOver, Kept);

    void IEventSink.Post(GroupMessage message) => session.Post(this, message);

    void IEventSink.OnOverflow(int held) => session.Overflow(held);
}
