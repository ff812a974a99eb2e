using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Runnel.Tests.House;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Clients;

/// <summary>The client that Django Channels' users have, npm's <c>django-channels</c> (before that, <c>websocketbridge.js</c>), unmodified.</summary>
public sealed class DjangoChannelsTests(Chromium chromium) : IClassFixture<Chromium>
{
    private static readonly string Script = Repository.PathTo("client/node_modules/django-channels/dist/index.js");

    [Fact]
    public async Task It_talks_to_a_shared_socket_and_comes_back_to_it()
    {
        Assert.True(File.Exists(Script), "The client's packages are missing: run 'npm ci' in client/, as ./test does.");
        await using var page = await ClientPage.OpenAsync(
            chromium,
            """
            <script>module = { exports: {} }; exports = module.exports</script>
            <script src="/django-channels.js"></script>
            <script>
              bridge = new module.exports.WebSocketBridge();
              bridge.connect("/shared");
              bridge.demultiplex("articles", ({ data }) => heard.push(data));
              bridge.stream("echo").addEventListener("message", ({ data, origin }) => heard.push([origin, data]));
            </script>
            """,
            static app => app.MapGet("/django-channels.js", () => Results.File(Script, "text/javascript")));
        await page.HearAsync(1);

        await page.SendAsync(1, 1);
        await page.HearAsync(2);
        await page.Page.EvaluateAsync("bridge.stream('echo').send({ any: 'JSON' })");
        Assert.Equal("""["snapshot",1,["echo",{"any":"JSON"}]]""", await page.HearAsync(3));

        page.Wire.Cut();
        page.Wire.Heal();
        await page.HearAsync(4);
        await page.SendAsync(2, 2);

        Assert.EndsWith(""","snapshot",2]""", await page.HearAsync(5), StringComparison.Ordinal);
    }
}
