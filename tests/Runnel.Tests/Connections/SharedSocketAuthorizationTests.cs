using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Runnel.Tests.Connections;

public class SharedSocketAuthorizationTests
{
    [Fact]
    public async Task A_shared_socket_asks_for_what_any_of_its_streams_asks_for()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRunnel();
        await using var app = builder.Build();

        app.MapDemultiplexer("/ws", d => d.Stream<OpenConsumer>("open").Stream<GuardedConsumer>("guarded"));

        var endpoint = Assert.Single(((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints));
        Assert.Equal("managers", endpoint.Metadata.GetMetadata<IAuthorizeData>()?.Policy);
    }

    private sealed class OpenConsumer : WebSocketConsumer;

    [Authorize("managers")]
    private sealed class GuardedConsumer : WebSocketConsumer;
}
