namespace Runnel.Layers;

/// <summary>What a channel holds at one moment.</summary>
/// <param name="Channel">The channel (the queue's name).</param>
/// <param name="Ready">Messages that a worker could take now.</param>
/// <param name="Scheduled">Messages that are not due yet: delayed, or waiting for a retry.</param>
/// <param name="Blocked">Messages that wait behind another one of their key.</param>
/// <param name="InFlight">Messages in workers' hands.</param>
/// <param name="Dead">Dead letters.</param>
/// <param name="OldestReady">When the oldest of the ready ones was sent; <see langword="null"/> when none is ready.</param>
public sealed record ChannelStatus(ChannelName Channel, long Ready, long Scheduled, long Blocked, long InFlight, long Dead, DateTimeOffset? OldestReady);
