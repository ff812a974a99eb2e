namespace Runnel;

/// <summary>The carrier's end of an <see cref="OutboundQueue"/>, which writes frames to the wire.</summary>
public interface IFrameWriter
{
    /// <summary>Writes all frames, then flushes once. Called by one thread at a time.</summary>
    /// <param name="frames">The frames, in order. The queue uses the memory again when the call returns, before the task completes.</param>
    /// <returns>Completes when the carrier can take more.</returns>
    ValueTask WriteAsync(ReadOnlySpan<Frame> frames);

    /// <summary>What goes right before the close of a client that cannot keep up, for one that takes advice. Must not block.</summary>
    /// <param name="code">The code of the close.</param>
    /// <param name="reason">Why, for people.</param>
    /// <returns>The frame; <see langword="null"/> for none.</returns>
    Frame? AdviceFor(int code, string? reason) => null;

    /// <summary>The client cannot keep up and its policy is <see cref="OutboundPolicy.Disconnect"/>: cut it. Must not block. Called once.</summary>
    void OnOverflow();

    /// <summary>A write failed, so the connection is broken. Must not block. Called once.</summary>
    void OnBroken(Exception exception);
}
