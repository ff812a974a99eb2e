namespace Runnel.Bench;

/// <summary>The targets by name.</summary>
internal static class FanoutTargets
{
    public const string Runnel = "runnel";
    public const string SignalR = "signalr";
    public const string Bare = "bare";

    /// <summary>The layer of a server that knows no other.</summary>
    public const string Alone = "memory:";

    public static IReadOnlyList<string> Names { get; } = [Runnel, SignalR, Bare];

    /// <param name="name">Which.</param>
    /// <param name="layer">What carries messages between nodes; <c>memory:</c> for nothing.</param>
    public static IFanoutTarget Create(string name, string layer) => name switch
    {
        Runnel => new RunnelTarget(layer),
        SignalR => new SignalRTarget(),
        Bare when layer == Alone => new BareWebSocketTarget(),
        Bare when layer.StartsWith("amqp", StringComparison.Ordinal) => new BareRabbitTarget(layer),
        Bare => new BareRedisTarget(layer),
        _ => throw new ArgumentException($"There is no target '{name}'; there are {string.Join(", ", Names)}.", nameof(name)),
    };

    public static string TitleOf(string name) => name switch
    {
        Runnel => "Runnel",
        SignalR => "SignalR, JSON hub",
        Bare => "`WebSocket.SendAsync` loop",
        _ => throw new ArgumentException($"There is no target '{name}'.", nameof(name)),
    };

    public static string PathOf(string name) => "/" + name;
}
