namespace Runnel.AspNetCore;

/// <summary>A token bucket for one client's messages. A value of two numbers: the library's limiter is an object and a timer for each (ADR 3).</summary>
internal struct InboundRate
{
    private double _spent;
    private long _at;

    /// <summary>Takes one message in.</summary>
    /// <returns>Whether the client may send it.</returns>
    public bool TryTake(ConsumerEndpointOptions options, TimeProvider timeProvider)
    {
        var now = timeProvider.GetTimestamp();
        if (_at != 0)
            _spent = Math.Max(0, _spent - (timeProvider.GetElapsedTime(_at, now).TotalSeconds * options.MaxMessagesPerSecond));
        _at = now;
        return ++_spent <= options.MaxMessageBurst;
    }
}
