namespace Runnel.RabbitMQ.Sending;

/// <summary>A clock that only goes forward, and that no other process has.</summary>
internal static class ProcessClock
{
    /// <summary>Tells it from the clocks of all other processes.</summary>
    public static string Id { get; } = Guid.NewGuid().ToString("N")[..16];

    /// <summary>What it says.</summary>
    public static long Microseconds => TimeProvider.System.GetElapsedTime(0).Ticks / TimeSpan.TicksPerMicrosecond;
}
