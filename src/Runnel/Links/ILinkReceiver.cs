namespace Runnel.Links;

/// <summary>Receives what other nodes send over their links. For one node, one call is made at a time. No call may block or throw.</summary>
internal interface ILinkReceiver
{
    /// <summary>The next item of a node, in the order sent.</summary>
    /// <param name="nodeId">The node.</param>
    /// <param name="body">What <see cref="LinkItem.WriteTo"/> wrote there; valid only during the call.</param>
    void OnMessage(string nodeId, ReadOnlyMemory<byte> body);

    /// <summary>The link with a node has ended: that node left, died, or took this one for dead. Nothing that was sent on it arrives any more, in either direction.</summary>
    /// <remarks>A new link may begin when the call has returned. What is sent to the node during the call is dropped, too.</remarks>
    void OnEnded(string nodeId);
}
