using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Runnel.Sqlite;
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
            Assert.Empty(await layer.Operator!.ListChannelsAsync());

        Assert.True(File.Exists(path));
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Layers_on_one_file_have_one_identity_however_their_addresses_are_written()
    {
        var folder = Directory.CreateTempSubdirectory("runnel-");
        var factory = new SqliteLayerFactory();
        Task<string> IdentityAsync(string path) => AskAsync(factory.Create($"sqlite:{folder.FullName}/{path}", TimeProvider.System, NullLoggerFactory.Instance));

        var (one, same, other) = (await IdentityAsync("work.db"), await IdentityAsync("./work.db"), await IdentityAsync("other.db"));

        Assert.Equal(one, same);
        Assert.NotEqual(one, other);
        Assert.DoesNotContain(Environment.MachineName, one, StringComparison.Ordinal); // containers that share a file have names of their own
        folder.Delete(recursive: true);

        static async Task<string> AskAsync(Layer layer)
        {
            await using (layer)
                return await layer.Identity(TestContext.Current.CancellationToken);
        }
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
