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
    [InlineData("sqlite:")]
    [InlineData("sqlite: ")]
    public void An_address_without_a_path_is_refused_with_what_one_looks_like(string address)
    {
        var refusal = Assert.Throws<FormatException>(() => LayerAddress.FactoryOf(address).Create(address, TimeProvider.System, NullLoggerFactory.Instance));

        Assert.Contains("sqlite:work.db", refusal.Message, StringComparison.Ordinal);
    }
}
