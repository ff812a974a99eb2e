namespace Runnel.Frames;

/// <summary>One message's frames for streams: each is encoded once, when the first member of that stream needs it.</summary>
internal sealed class StreamFrames
{
    private readonly Lock _lock = new();
    private string? _stream;
    private Frame? _frame;
    private Dictionary<string, Frame>? _further;

    /// <summary>The frame for a stream.</summary>
    /// <param name="stream">The stream's name.</param>
    /// <param name="message">The message.</param>
    /// <param name="encode">Encodes it, if nobody has for this stream.</param>
    public Frame Get<TMessage>(string stream, TMessage message, Func<string, TMessage, Frame> encode)
    {
        lock (_lock)
        {
            // Nearly every group is used under one stream name.
            if (_stream == stream)
                return _frame!;
            if (_further is not null && _further.TryGetValue(stream, out var known))
                return known;
            var frame = encode(stream, message);
            if (_stream is null)
                (_stream, _frame) = (stream, frame);
            else
                (_further ??= [])[stream] = frame;
            return frame;
        }
    }
}
