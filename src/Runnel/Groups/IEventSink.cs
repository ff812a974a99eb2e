namespace Runnel.Groups;

/// <summary>Whoever runs a member's consumer, in this process or elsewhere. Never waits: it is called in the middle of a fan-out.</summary>
internal interface IEventSink
{
    /// <summary>Takes an event, which the consumer handles when its turn comes.</summary>
    void Post(GroupMessage message);

    /// <summary>The consumer takes so long to connect that a frame could not be held: the connection is to be closed, so that its client comes back.</summary>
    /// <param name="held">How many frames are held.</param>
    void OnOverflow(int held);
}
