using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Servers;

/// <summary>What the tests of deployment stand on.</summary>
public sealed class NginxServerTests
{
    [Fact]
    public async Task A_server_answers_as_soon_as_it_is_started_and_a_configuration_that_it_does_not_take_is_told()
    {
        await using var server = await NginxServer.StartAsync(port => $"server {{ listen 127.0.0.1:{port}; location / {{ return 200 'here'; }} }}");
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = server.Address, Timeout = Wait.Limit };

        Assert.Equal("here", await http.GetStringAsync(new Uri("/", UriKind.Relative)));
        var failed = await Assert.ThrowsAsync<InvalidOperationException>(() => NginxServer.StartAsync(_ => "no_such_thing on;"));
        Assert.Contains("no_such_thing", failed.Message, StringComparison.Ordinal);
    }
}
