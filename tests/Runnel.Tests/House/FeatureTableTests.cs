using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Xunit;

namespace Runnel.Tests.House;

/// <summary>The table of what each layer promises is what the layers say of themselves.</summary>
public sealed class FeatureTableTests
{
    private const string Document = "docs/layer-specification.md";

    [Fact]
    public async Task The_table_of_features_is_what_the_layers_declare()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("runnel-").FullName, "features.db");
        await using var memory = Make("memory:");
        await using var sqlite = Make($"sqlite:{file}");
        await using var redis = Make("redis://localhost"); // never opened
        await using var rabbit = Make("amqp://localhost"); // never opened either
        await using var toy = Make("toy:");
        Layer[] layers = [memory, sqlite, redis, rabbit, toy];

        var written = File.ReadLines(Repository.PathTo(Document)).Where(line => line.StartsWith("| `BackplaneFeatures.", StringComparison.Ordinal) || line.StartsWith("| `WorkQueueFeatures.", StringComparison.Ordinal));

        Assert.Equal([.. RowsOf(layers, layer => layer.Backplane!.Features), .. RowsOf(layers, layer => layer.WorkQueue!.Features)], written.Select(WithoutMeaning));
    }

    private static Layer Make(string address) => LayerAddress.FactoryOf(address).Create(address, TimeProvider.System, NullLoggerFactory.Instance);

    private static IEnumerable<string> RowsOf<T>(Layer[] layers, Func<Layer, T> featuresOf)
        where T : struct, Enum =>
        from feature in Enum.GetValues<T>()
        where System.Numerics.BitOperations.PopCount(Convert.ToUInt32(feature, null)) == 1
        select $"| `{typeof(T).Name}.{feature}` | {string.Join(" | ", layers.Select(layer => featuresOf(layer).HasFlag(feature) ? "yes" : "no"))} |";

    // | feature | what it means | memory | SQLite | Redis | RabbitMQ | toy |
    private static string WithoutMeaning(string row)
    {
        var cells = row.Split('|');
        return string.Join('|', cells.Where((_, i) => i != 2));
    }
}
