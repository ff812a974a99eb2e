namespace Runnel.AspNetCore.Sockets;

/// <summary>A token bucket for what one client sends. A value of two numbers: the library's limiter is an object and a timer for each (ADR 3).</summary>
internal struct InboundRate(ConsumerEndpointOptions options, TimeProvider timeProvider)
{
    private double _spent;
    private long _at;

    /// <summary>Takes a number of frames in.</summary>
    /// <returns>Whether the client may send them.</returns>
    public bool TryTake(int frames)
    {
        var now = timeProvider.GetTimestamp();
        if (_at != 0)
            _spent = Math.Max(0, _spent - (timeProvider.GetElapsedTime(_at, now).TotalSeconds * options.MaxMessagesPerSecond));
        _at = now;
        _spent += frames;
        return _spent <= options.MaxMessageBurst;
    }
}
