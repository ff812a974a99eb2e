namespace Runnel.Tests.House;

/// <summary>The rooms of the packages, from the lowest up. This table is the one place where they are written.</summary>
/// <remarks>
/// A room is a folder of the package. The package's own folder is the room ".", on top of all others: its door, with registration and the parts that
/// put the rooms together. The lists that begin with "Still" hold what is not done yet: they may get shorter, and a test fails when an entry is no longer true.
/// </remarks>
internal static class Rooms
{
    public const string Door = ".";

    public static IReadOnlyDictionary<string, string[]> Of { get; } = new Dictionary<string, string[]>
    {
        ["Runnel.Layers"] = ["Messages", "Topics", "Queues", "States", Door],
        ["Runnel"] = ["Frames", "Nodes", "Groups", "Consumers", "Streams", Door],
        ["Runnel.InMemory"] = ["Stored", "Channels", "Topics", Door],
        ["Runnel.Redis"] = ["Resp", "Connections", "Stores", "Topics", "Sending", "Receiving", Door],
        ["Runnel.Sqlite"] = ["Files", "Subscribers", "Tables", "Processes", "Writing", Door],
        ["Runnel.Workers"] = ["Jobs", "Channels", "Running", "Recurring", Door],
    };

    /// <summary>How many types stand in the largest ring of a package today. A commit that breaks a ring writes the smaller number here; in the end the list is empty.</summary>
    public static IReadOnlyDictionary<string, int> StillRing { get; } = new Dictionary<string, int>
    {
        ["Runnel.InMemory"] = 10,
    };

    /// <summary>References that go up today: "Package: User → Used". A commit that breaks one takes it out here.</summary>
    public static IReadOnlySet<string> StillUp { get; } = new HashSet<string>
    {
        "Runnel.InMemory: InMemoryChannel → InMemoryWorkQueue",
        "Runnel.InMemory: InMemoryChannel → InMemoryWorkReceiver",
        "Runnel.InMemory: ReceiveWaiter → InMemoryChannel",
        "Runnel.InMemory: ReceiveWaiter → InMemoryWorkReceiver",
        "Runnel.InMemory: StoredMessage → ChannelClock",
        "Runnel.InMemory: StoredMessage → InMemoryChannel",
        "Runnel.InMemory: StoredMessage → InMemoryWorkReceiver",
    };
}
