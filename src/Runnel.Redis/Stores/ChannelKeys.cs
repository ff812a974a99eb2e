namespace Runnel.Redis.Stores;

/// <summary>The keys of one channel; <see cref="RedisKeys"/> says what they hold.</summary>
internal sealed class ChannelKeys(string start)
{
    public string Messages { get; } = start + "messages";

    public string Ready { get; } = start + "ready";

    public string Returned { get; } = start + "returned";

    public string Delayed { get; } = start + "delayed";

    public string Workers { get; } = start + "workers";

    public string Dead { get; } = start + "dead";

    public string Letters { get; } = start + "letters";

    public string Seen { get; } = start + "seen";

    public string Bell { get; } = start + "bell";

    /// <summary>What every script of a channel is given, in the order that Scripts/channel.lua takes it; those with a colon at the end are completed there.</summary>
    public IReadOnlyList<string> All { get; } =
    [
        start + "messages", start + "ready", start + "returned", start + "delayed", start + "expiries", start + "busy",
        start + "lane:", start + "workers", start + "claims:", start + "dead", start + "letters", start + "bell", start + "gone", start + "order",
    ];

    public string SentBy(string sender) => $"{start}sent:{sender}";
}
