namespace Runnel.Bench;

/// <summary>The targets by name.</summary>
internal static class FanoutTargets
{
    public const string Runnel = "runnel";
    public const string SignalR = "signalr";
    public const string Bare = "bare";

    public static IReadOnlyList<string> Names { get; } = [Runnel, SignalR, Bare];

    public static IFanoutTarget Create(string name) => name switch
    {
        Runnel => new RunnelTarget(),
        SignalR => new SignalRTarget(),
        Bare => new BareWebSocketTarget(),
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
