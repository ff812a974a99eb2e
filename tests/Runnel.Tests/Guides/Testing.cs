using System.Net.Http.Json;
using Articles;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Runnel.Testing;
using Xunit;

namespace Guides.Testing;

// <testing-application>
public sealed class ArticlesApplication : WebApplicationFactory<ArticlesContext>
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    protected override void ConfigureWebHost(IWebHostBuilder builder) =>
        builder.UseSetting("ConnectionStrings:Articles", $"Data Source={_folder.FullName}/articles.db;Pooling=False");

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (_folder.Exists)
            _folder.Delete(recursive: true);
    }
}
// </testing-application>

// <testing-client>
public sealed class LiveArticlesTests(ArticlesApplication factory) : IClassFixture<ArticlesApplication>
{
    [Fact]
    public async Task A_new_article_reaches_an_open_page()
    {
        await using var page = new WebSocketCommunicator(factory.Server, "/ws/articles");
        Assert.True(await page.ConnectAsync());
        var snapshot = await page.ReceiveJsonAsync();

        await PublishAsync("Water");

        var change = await page.ReceiveJsonAsync();
        Assert.Equal("snapshot", snapshot.GetProperty("action").GetString());
        Assert.Equal("create", change.GetProperty("action").GetString());
    }
    // </testing-client>

    // <testing-refused>
    [Fact]
    public async Task A_page_of_another_site_is_refused()
    {
        await using var page = new WebSocketCommunicator(factory.Server, "/ws/articles");
        page.Headers["Origin"] = "https://elsewhere.example";

        Assert.False(await page.ConnectAsync());

        Assert.Equal(403, page.RefusedWith);
    }
    // </testing-refused>

    // <testing-group>
    [Fact]
    public async Task A_new_article_is_sent_to_the_group()
    {
        await using var articles = await GroupProbe.JoinAsync(factory.Services, "articles");

        await PublishAsync("Water");

        var sent = await articles.ReceiveJsonAsync();
        Assert.Equal("Water", sent.GetProperty("data").GetProperty("title").GetString());
    }
    // </testing-group>

    // <testing-client>
    private async Task PublishAsync(string title)
    {
        using var writer = factory.CreateClient();
        writer.DefaultRequestHeaders.Add("X-Api-Key", "dev");
        (await writer.PostAsJsonAsync("/api/articles", new { title, body = "It flows." })).EnsureSuccessStatusCode();
    }
}
// </testing-client>
