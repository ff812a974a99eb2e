using Microsoft.AspNetCore.Builder;
using Runnel.AspNetCore.Commands;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>Which settings a command line may have although Runnel knows nothing of them.</summary>
public sealed class CommandLineSettingsTests
{
    [Theory]
    [InlineData("urls")]
    [InlineData("http_ports")]
    [InlineData("https_ports")]
    [InlineData("environment")]
    [InlineData("ENVIRONMENT")]
    [InlineData("contentRoot")]
    [InlineData("webroot")]
    [InlineData("applicationName")]
    [InlineData("allowedHosts")]
    [InlineData("detailedErrors")]
    [InlineData("captureStartupErrors")]
    [InlineData("preferHostingUrls")]
    [InlineData("shutdownTimeoutSeconds")]
    [InlineData("staticWebAssets")]
    [InlineData("suppressStatusMessages")]
    [InlineData("hostingStartupAssemblies")]
    [InlineData("hostingStartupExcludeAssemblies")]
    [InlineData("preventHostingStartup")]
    [InlineData("startupAssembly")]
    public async Task The_hosts_own_settings_may_have_their_values_in_the_next_word(string name)
    {
        await using var app = WebApplication.CreateSlimBuilder().Build();

        var settings = CommandLineSettings.Of(RunnelCommands.Root(app).Parse(new[] { $"--{name}", "value" }));

        Assert.Equal([$"--{name}", "value"], settings);
    }
}
