namespace Runnel.Layers;

/// <summary>A message in a worker's hands, to be settled through the lease it came from.</summary>
/// <param name="Channel">The channel (the queue's name).</param>
/// <param name="Envelope">The message.</param>
/// <param name="Token">What the layer knows it by; opaque to everybody else.</param>
public sealed record ReceivedMessage(ChannelName Channel, Envelope Envelope, object? Token)
{
    /// <summary>The message's identity.</summary>
    public MessageId Id => Envelope.Id;

    /// <summary>The token, as what the layer made it. For authors of layers.</summary>
    /// <exception cref="ArgumentException">The message came from another layer's queue.</exception>
    public TToken TokenAs<TToken>()
        where TToken : class =>
        Token as TToken ?? throw new ArgumentException($"Message '{Id}' did not come from this queue.");
}
