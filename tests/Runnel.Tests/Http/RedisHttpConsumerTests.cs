using Runnel.Tests.Connections;
using Runnel.Tests.Redis;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Http;

/// <summary>A worker answers over Redis.</summary>
[Collection(nameof(Metered))]
public sealed class RedisHttpConsumerTests(RedisServer server) : IClassFixture<RedisServer>, IAsyncDisposable
{
    private readonly RedisPlace _place = new(server);

    public ValueTask DisposeAsync() => _place.DisposeAsync();

    [Fact]
    public async Task A_request_and_a_response_of_a_megabyte_go_through_redis()
    {
        var script = new HttpScript { Answer = static (request, response, cancellationToken) => response.WriteAsync(request.Body, cancellationToken).AsTask() };
        await using var nodes = await HttpNodes.StartAsync(_place.OpenBackplane, workers: 1);
        var body = new byte[1024 * 1024];
        new Random(2).NextBytes(body);

        using var response = await nodes.Client.PostAsync($"/scripted/{script.Id}", new ByteArrayContent(body));

        Assert.Equal(body, await response.Content.ReadAsByteArrayAsync());
    }
}
