namespace Runnel;

/// <summary>The carrier's end of an <see cref="OutboundQueue"/>: puts frames on the wire.</summary>
public interface IFrameWriter
{
    /// <summary>Writes frames with as few system calls as it can: all of them, then one flush. Called by one thread at a time.</summary>
    /// <param name="frames">The frames, in order; the memory is the queue's again when the call (not the task) returns.</param>
    /// <returns>Completes when the carrier can take more.</returns>
    ValueTask WriteAsync(ReadOnlySpan<Frame> frames);

    /// <summary>The client cannot keep up and its policy is <see cref="OutboundPolicy.Disconnect"/>: cut it. Must not block. Called once.</summary>
    void OnOverflow();

    /// <summary>Writing failed: the connection is broken. Must not block. Called once.</summary>
    void OnBroken(Exception exception);
}
