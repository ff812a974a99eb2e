using Runnel.Groups;
using Runnel.Layers;

namespace Runnel.Consumers;

/// <summary>The half of a connection that stays with its socket, as the consumer's half reaches it: the socket may be in another process.</summary>
internal interface IMembership
{
    /// <summary>The address of the connection.</summary>
    ChannelName ChannelName { get; }

    /// <summary>The consumer begins to connect: what is sent to the connection arrives, and frames of groups are held.</summary>
    void Begin();

    /// <summary>The consumer has connected: the frames that were held go out.</summary>
    void Release();

    /// <summary>The connection joins a group, unless it is over.</summary>
    /// <returns>What became of the position that its client had.</returns>
    ValueTask<JoinOutcome> AddAsync(GroupName group, CancellationToken cancellationToken);

    /// <summary>The connection leaves a group; without effect when it is not in it.</summary>
    ValueTask RemoveAsync(GroupName group, CancellationToken cancellationToken);

    /// <summary>The consumer has handled an event that somebody waits for (<see cref="GroupMessage.IsAwaited"/>), or has dealt with a gap. Called before its next event begins.</summary>
    void Handled(GroupMessage message);

    /// <summary>The consumer has handled a message of the client. Called before its next event begins.</summary>
    void HandledMessage();

    /// <summary>The connection keeps another value for whoever adopts it.</summary>
    /// <param name="json">The value.</param>
    /// <param name="isHandling">Whether the consumer handles an event: then the value belongs to it.</param>
    void Keep(byte[] json, bool isHandling);

    /// <summary>What an adopted connection kept; <see langword="null"/> if nothing.</summary>
    byte[]? Kept { get; }

    /// <summary>Whether the connection was over before its consumer was made: a stream of an adopted socket.</summary>
    bool IsOver { get; }

    /// <summary>The membership of a stream that shares the connection's socket.</summary>
    /// <param name="number">The number of the stream's connection in this process.</param>
    /// <param name="name">Its name in the frames.</param>
    /// <param name="events">Where its events go.</param>
    IMembership OfStream(long number, string name, IEventSink events);

    /// <summary>The connection is over: it leaves all groups, can join no more, and nothing that is sent to it arrives.</summary>
    void End();
}
