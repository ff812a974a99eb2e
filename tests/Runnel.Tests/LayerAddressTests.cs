using Runnel.Layers;
using Runnel.Redis;
using Runnel.Tests.Toy;
using Xunit;

namespace Runnel.Tests;

public sealed class LayerAddressTests
{
    [Theory]
    [InlineData("toy:anywhere", typeof(ToyLayerFactory))]
    [InlineData("TOY:anywhere", typeof(ToyLayerFactory))]
    [InlineData("rediss://cache", typeof(RedisLayerFactory))]
    public void A_layer_is_found_by_what_its_assembly_says_of_itself(string address, Type factory) => Assert.IsType(factory, LayerAddress.FactoryOf(address));

    [Fact]
    public void A_package_of_which_no_code_has_run_yet_is_found_among_the_applications_files()
    {
        var files = LayerSchemes.ApplicationFiles().ToList();

        Assert.Equal("Runnel.Sqlite", LayerSchemes.FindIn(files, "sqlite")?.Name);
        Assert.Equal("Runnel.Tests", LayerSchemes.FindIn(files, "toy")?.Name);
        Assert.Null(LayerSchemes.FindIn(files, "nats"));
        Assert.DoesNotContain(files, file => Path.GetFileName(file) == "System.Private.CoreLib.dll");
    }

    [Theory]
    [InlineData("/usr/share/dotnet/shared/Microsoft.NETCore.App/10.0.0/System.Private.CoreLib.dll", "/opt/shop/", "/usr/share/dotnet/shared/")]
    [InlineData("/usr/share/dotnet/shared/Microsoft.NETCore.App/10.0.0/System.Private.CoreLib.dll", "/usr/share/dotnet/shared-shop/", "/usr/share/dotnet/shared/")]
    [InlineData("/opt/shop/System.Private.CoreLib.dll", "/opt/shop/", null)]
    [InlineData("/srv/apps/eu/shop/System.Private.CoreLib.dll", "/srv/apps/eu/shop/", null)]
    [InlineData("", "/opt/shop/", null)]
    public void An_application_that_brings_its_own_runtime_shares_none(string coreLibrary, string application, string? shared) =>
        Assert.Equal(shared, LayerSchemes.SharedFolder(coreLibrary, application));

    [Fact]
    public void A_scheme_that_nobody_knows_is_refused()
    {
        Assert.Contains("nats", Assert.Throws<FormatException>(() => LayerAddress.FactoryOf("nats://localhost")).Message, StringComparison.Ordinal);
    }
}
