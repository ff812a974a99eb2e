namespace Runnel.Tests.House;

/// <summary>The rooms of the packages, from the lowest up. This table is the one place where they are written.</summary>
/// <remarks>
/// A room is a folder of the package. The package's own folder is the room ".", on top of all others: its door, with registration and the parts that
/// put the rooms together.
/// </remarks>
internal static class Rooms
{
    public const string Door = ".";

    public static IReadOnlyDictionary<string, string[]> Of { get; } = new Dictionary<string, string[]>
    {
        ["Runnel.Layers"] = ["Messages", "Topics", "Queues", "States", Door],
        ["Runnel"] = ["Frames", "Nodes", "Links", "Exchanges", "Groups", "Consumers", "Streams", "Handover", Door],
        ["Runnel.InMemory"] = ["Stored", "Channels", "Topics", Door],
        ["Runnel.RabbitMQ"] = ["Connections", "Django", "Topics", "Channels", "Sending", "Receiving", Door],
        ["Runnel.Redis"] = ["Resp", "Connections", "Stores", "Topics", "Sending", "Receiving", Door],
        ["Runnel.Sqlite"] = ["Files", "Subscribers", "Tables", "Processes", "Writing", Door],
        ["Runnel.Workers"] = ["Jobs", "Channels", "Running", "Recurring", Door],
        ["Runnel.AspNetCore"] = ["Admission", "Sockets", "Handover", "Http", "Jobs", "Commands", Door],
        ["Runnel.Cli"] = ["Sockets", "Load", Door],
    };
}
