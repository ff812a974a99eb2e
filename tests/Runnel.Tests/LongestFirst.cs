using Runnel.Tests;
using Runnel.Tests.Chaos;
using Runnel.Tests.RabbitMQ;
using Runnel.Tests.Redis;
using Runnel.Tests.Samples;
using Runnel.Tests.Servers;
using Runnel.Tests.Workers;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace Runnel.Tests;

/// <summary>Starts the tests that take longest first, so that at the end none of them runs alone. All others follow in xunit's own order.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly List<string> Longest =
    [
        nameof(MortalRabbitServer), Of<RabbitMQLedgerTests>(), Of<RabbitMQWorkQueueTests>(), Of<SamplesOnRedisTests>(), Of<RedisLedgerTests>(), Of<RabbitMQWorkersTests>(),
        Of<SamplesOnRabbitMQTests>(), Of<InMemoryWorkersTests>(), Of<PaymentsTests>(), Of<RedisWorkersTests>(), Of<SqliteWorkersTests>(), Of<RedisWorkQueueTests>(),
    ];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderBy(PlaceOf)];

    private static int PlaceOf<TTestCollection>(TTestCollection collection)
        where TTestCollection : ITestCollection => Longest.FindIndex(name => collection.TestCollectionDisplayName == name || collection.TestCollectionDisplayName.StartsWith(name + " ", StringComparison.Ordinal)) is >= 0 and var place ? place : Longest.Count;

    // How xunit calls the collection of a class that is in no other.
    private static string Of<TTests>() => $"Test collection for {typeof(TTests).FullName}";
}
