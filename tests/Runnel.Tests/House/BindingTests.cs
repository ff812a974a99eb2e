using System.Reflection;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.House;

/// <summary>Every layer binds every suite: what no test shows of a layer is not promised.</summary>
public sealed class BindingTests
{
    // By how the names of their classes begin. The toy can do less than ours, as other people's layers may.
    private static readonly string[] Layers = ["InMemory", "Sqlite", "Redis", "RabbitMQ", "Toy"];

    private static readonly Dictionary<(string Layer, string Suite), string> Unbound = new()
    {
        [("InMemory", "OutageSpecification")] = "It has no broker that could be away.",
        [("Sqlite", "OutageSpecification")] = "Its broker is a file.",
        [("InMemory", "WorkQueueOutageSpecification")] = "It has no server that could be away.",
        [("Sqlite", "WorkQueueOutageSpecification")] = "Its server is a file.",
        [("RabbitMQ", "QuietGroupSpecification")] = "It keeps no history.",
        [("RabbitMQ", "RecoverySpecification")] = "It keeps no history.",
        [("RabbitMQ", "StateStoreSpecification")] = "It keeps no history that states could be kept in.",
        [("RabbitMQ", "WorkQueueModelSpecification")] = "Time passes on its broker, and no test can move it.",
        [("RabbitMQ", "JobsCommandSpecification")] = "It keeps no history that states of jobs could be kept in.",
        [("Toy", "OutageSpecification")] = "It has no broker that could be away.",
        [("Toy", "WorkQueueOutageSpecification")] = "It has no server that could be away.",
        [("InMemory", "QueueCommandSpecification")] = "The tool is another process, which does not see it.",
        [("Toy", "QueueCommandSpecification")] = "The tool is another process, which does not see it.",
        [("InMemory", "NodeProcessSpecification")] = "A node on it is the only one.",
        [("Toy", "NodeProcessSpecification")] = "A node on it is the only one.",
        [("RabbitMQ", "NodeProcessSpecification")] = "Its nodes beat as those on Redis do, and a further process costs the tests seconds.",
        [("InMemory", "JobsCommandSpecification")] = "The tool is another process, which does not see it.",
        [("Toy", "JobsCommandSpecification")] = "The tool is another process, which does not see it.",
        [("InMemory", "WorkerProcessSpecification")] = "A node on it is the only one.",
        [("Toy", "WorkerProcessSpecification")] = "A node on it is the only one.",
        [("Redis", "WorkerProcessSpecification")] = "It has the long form: WorkersOnRedisTests.",
        [("Toy", "ChannelLayerSpecification")] = "The channel layer refuses a queue that takes nothing back and knows no duplicates (ToyChannelLayerTests).",
        [("Toy", "QuietGroupSpecification")] = "It keeps no history.",
        [("Toy", "RecoverySpecification")] = "It keeps no history.",
        [("Toy", "StateStoreSpecification")] = "It keeps no history that states could be kept in.",
    };

    public static MatrixTheoryData<string, string> Bindings => new(Layers, [.. Suites.Select(suite => suite.Name)]);

    private static IEnumerable<Type> Suites => new[] { typeof(WorkQueueSpecification).Assembly, typeof(BindingTests).Assembly }
        .SelectMany(assembly => assembly.GetTypes()).Where(type => type is { IsAbstract: true, IsSealed: false } && type.Name.EndsWith("Specification", StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Bindings))]
    public void A_layer_binds_a_suite_or_says_why_not(string layer, string suite)
    {
        var bindings = Assembly.GetExecutingAssembly().GetTypes().Where(type =>
            type.IsSealed && type.Name.StartsWith(layer, StringComparison.Ordinal) && SuitesOf(type).Any(bound => bound.Name == suite));

        var isBound = bindings.Any();

        if (Unbound.TryGetValue((layer, suite), out var reason))
            Assert.False(isBound, $"{layer} binds {suite} by now, so take it out of BindingTests.Unbound, where it says: {reason}");
        else
            Assert.True(isBound, $"Layer {layer} does not bind {suite}: derive a sealed class {layer}… from it, or say in BindingTests.Unbound why not.");
    }

    private static IEnumerable<Type> SuitesOf(Type type)
    {
        for (var suite = type.BaseType; suite is not null; suite = suite.BaseType)
            yield return suite;
    }
}
