using Runnel.Groups;
using Runnel.Layers;

namespace Runnel.Consumers;

/// <summary>The half of a connection that stays with its socket, as the consumer's half reaches it: the socket may be in another process.</summary>
internal interface IMembership
{
    /// <summary>The consumer begins to connect: what is sent to the connection arrives, and frames of groups are held.</summary>
    void Begin();

    /// <summary>The consumer has connected: the frames that were held go out.</summary>
    void Release();

    /// <summary>The connection joins a group, unless it is over.</summary>
    /// <returns>What became of the position that its client had.</returns>
    ValueTask<JoinOutcome> AddAsync(GroupName group, CancellationToken cancellationToken);

    /// <summary>The connection leaves a group; without effect when it is not in it.</summary>
    ValueTask RemoveAsync(GroupName group, CancellationToken cancellationToken);

    /// <summary>The consumer has handled an event that has a place in its group's history, or has dealt with a gap.</summary>
    void Handled(GroupMessage message);

    /// <summary>The membership of a stream that shares the connection's socket.</summary>
    /// <param name="stream">The stream, as its consumer sees it.</param>
    /// <param name="name">Its name in the frames.</param>
    /// <param name="events">Where its events go.</param>
    IMembership OfStream(Connection stream, string name, IEventSink events);

    /// <summary>The connection is over: it leaves all groups, can join no more, and nothing that is sent to it arrives.</summary>
    void End();
}
