using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Xunit;

namespace Runnel.Tests.Sqlite;

public sealed class SqliteLayerFactoryTests
{
    [Fact]
    public async Task An_address_with_a_path_is_a_layer_in_that_file()
    {
        var folder = Directory.CreateTempSubdirectory("runnel-");
        var path = Path.Combine(folder.FullName, "work.db");
        var address = $"sqlite:{path}";

        await using (var layer = LayerAddress.FactoryOf(address).Create(address, TimeProvider.System, NullLoggerFactory.Instance))
            Assert.Empty(await ((IWorkQueueOperator)layer.WorkQueue).ListChannelsAsync());

        Assert.True(File.Exists(path));
        folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("sqlite://work.db", "'sqlite:work.db'")]
    [InlineData("sqlite://data/work.db", "'sqlite:data/work.db'")]
    [InlineData("sqlite:///var/lib/work.db", "'sqlite:/var/lib/work.db'")]
    [InlineData("sqlite:////var/lib/work.db", "'sqlite:/var/lib/work.db'")]
    [InlineData("sqlite::memory:", "'memory:'")]
    [InlineData("sqlite:file:work.db?mode=ro", "sqlite:work.db")]
    public void An_address_that_is_spelt_as_elsewhere_is_refused_with_the_right_spelling(string address, string spelling)
    {
        var refusal = Assert.Throws<FormatException>(() => LayerAddress.FactoryOf(address).Create(address, TimeProvider.System, NullLoggerFactory.Instance));

        Assert.Contains(spelling, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sqlite:")]
    [InlineData("sqlite: ")]
    [InlineData("sqlite://")]
    public void An_address_without_a_path_is_refused_with_what_one_looks_like(string address)
    {
        var refusal = Assert.Throws<FormatException>(() => LayerAddress.FactoryOf(address).Create(address, TimeProvider.System, NullLoggerFactory.Instance));

        Assert.Contains("sqlite:work.db", refusal.Message, StringComparison.Ordinal);
    }
}
