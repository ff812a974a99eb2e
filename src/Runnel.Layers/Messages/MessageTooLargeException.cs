namespace Runnel.Layers;

/// <summary>A message is larger than the layer takes: it was refused, nothing was stored.</summary>
public sealed class MessageTooLargeException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="destination">The channel or group it was meant for, as a word and a name: <c>channel 'thumbnails'</c>.</param>
    /// <param name="size">The size of the encoded message in bytes.</param>
    /// <param name="limit">The most bytes that are taken.</param>
    public MessageTooLargeException(string destination, long size, long limit)
        : base($"The message for {destination} has {size} bytes; the limit is {limit}. Store the content elsewhere and send a reference to it, or raise the limit.")
    {
        Size = size;
        Limit = limit;
    }

    /// <summary>The size of the encoded message in bytes.</summary>
    public long Size { get; }

    /// <summary>The most bytes that are taken.</summary>
    public long Limit { get; }
}
