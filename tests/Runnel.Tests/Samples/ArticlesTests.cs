using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Runnel.Specification;
using Runnel.Tests.Processes;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Samples;

public sealed class ArticlesTests : IDisposable
{
    private readonly ArticlesApp _app = new();

    public void Dispose() => _app.Dispose();

    [Fact]
    public async Task An_article_is_created_read_changed_and_deleted()
    {
        using var writer = _app.CreateWriter();
        using var reader = _app.CreateClient();

        using var created = await writer.PostAsJsonAsync("/api/articles", new { title = "Water", body = "It flows." });
        var article = await created.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal(["id", "title", "body", "createdAt"], article.EnumerateObject().Select(field => field.Name));
        Assert.Equal(article.GetRawText(), await reader.GetStringAsync(created.Headers.Location));

        using var changed = await writer.PutAsJsonAsync(created.Headers.Location, new { title = "Water, again", body = "It flows." });
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        var list = await reader.GetFromJsonAsync<JsonElement>("/api/articles");
        Assert.Equal("Water, again", Assert.Single(list.EnumerateArray()).GetProperty("title").GetString());

        using var deleted = await writer.DeleteAsync(created.Headers.Location);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using var gone = await reader.GetAsync(created.Headers.Location);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        Assert.Equal("[]", await reader.GetStringAsync("/api/articles"));
    }

    [Fact]
    public async Task The_list_comes_in_pages_however_many_articles_there_are()
    {
        using var writer = _app.CreateWriter();
        for (var number = 1; number <= 25; number++)
            await ArticlesApp.PostAsync(writer, $"{number}");

        var titles = new List<string>();
        var lengths = new List<int>();
        for (var next = "/api/articles"; next is not null;)
        {
            using var response = await writer.GetAsync(next);
            var page = await response.Content.ReadFromJsonAsync<JsonElement>();
            titles.AddRange(page.EnumerateArray().Select(article => article.GetProperty("title").GetString()!));
            lengths.Add(page.GetArrayLength());
            next = response.Headers.TryGetValues("Link", out var links) ? links.Single().Split('<', '>')[1] : null;
        }
        var two = await writer.GetFromJsonAsync<JsonElement>("/api/articles?take=2");

        Assert.Equal([20, 5], lengths);
        Assert.Equal(Enumerable.Range(1, 25).Reverse().Select(number => $"{number}"), titles);
        Assert.Equal(2, two.GetArrayLength());
    }

    [Theory]
    [InlineData("take=0")]
    [InlineData("take=-1")]
    [InlineData("take=21")]
    [InlineData("take=1000000")]
    [InlineData("take=many")]
    [InlineData("before=0")]
    [InlineData("before=99999999999")]
    public async Task A_page_that_there_cannot_be_is_refused(string query)
    {
        using var reader = _app.CreateClient();

        using var response = await reader.GetAsync($"/api/articles?{query}");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task The_admin_s_list_comes_in_pages_too()
    {
        using var writer = _app.CreateWriter();
        for (var number = 1; number <= 25; number++)
            await ArticlesApp.PostAsync(writer, $"article-{number:00}");
        using var admin = _app.CreateClient();
        (await ArticlesApp.SignInAsync(admin, "dev")).Dispose();

        var first = await admin.GetStringAsync("/admin");
        var second = await admin.GetStringAsync(first.Split("href=\"").Select(part => part.Split('"')[0]).Single(link => link.Contains("before=", StringComparison.Ordinal)));

        Assert.Contains("article-06", first, StringComparison.Ordinal);
        Assert.DoesNotContain("article-05", first, StringComparison.Ordinal);
        Assert.Contains("article-05", second, StringComparison.Ordinal);
        Assert.DoesNotContain("article-06", second, StringComparison.Ordinal);
        Assert.Contains("Latest", second, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"body":"b"}""")]
    [InlineData("""{"title":"","body":"b"}""")]
    [InlineData("""{"title":"  ","body":"b"}""")]
    [InlineData("""{"title":null,"body":"b"}""")]
    [InlineData("""{"title":7,"body":"b"}""")]
    [InlineData("""{"title":"t\u0000","body":"b"}""")]
    [InlineData("""{"title":"t","body":"\u0000b"}""")]
    [InlineData("""{"title":"t"}""")]
    [InlineData("""{"title":"t","body":"b" """)]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData(null)]
    public async Task What_is_not_an_article_is_refused_and_not_stored(string? json)
    {
        using var writer = _app.CreateWriter();
        json ??= JsonSerializer.Serialize(new { title = new string('t', 201), body = "b" });

        using var response = await writer.PostAsync("/api/articles", new StringContent(json, Encoding.UTF8, "application/json"));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("[]", await writer.GetStringAsync("/api/articles"));
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task An_unknown_article_is_not_found(string method)
    {
        using var writer = _app.CreateWriter();
        using var request = new HttpRequestMessage(new HttpMethod(method), "/api/articles/77");
        if (method == "PUT")
            request.Content = JsonContent.Create(new { title = "t", body = "b" });

        using var response = await writer.SendAsync(request);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    [Theory]
    [InlineData("POST", null)]
    [InlineData("POST", "wrong")]
    [InlineData("PUT", null)]
    [InlineData("PUT", "")]
    [InlineData("DELETE", null)]
    [InlineData("DELETE", "devdev")]
    public async Task Who_has_no_key_may_not_write_and_is_not_sent_to_a_login_page(string method, string? key)
    {
        using var writer = _app.CreateWriter();
        var id = await ArticlesApp.PostAsync(writer, "kept");
        using var stranger = _app.CreateClient();
        using var request = new HttpRequestMessage(new HttpMethod(method), method == "POST" ? "/api/articles" : $"/api/articles/{id}");
        if (method != "DELETE")
            request.Content = JsonContent.Create(new { title = "t", body = "b" });
        if (key is not null)
            request.Headers.Add("X-Api-Key", key);

        using var response = await stranger.SendAsync(request);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var list = await stranger.GetFromJsonAsync<JsonElement>("/api/articles");
        Assert.Equal("kept", Assert.Single(list.EnumerateArray()).GetProperty("title").GetString());
    }

    [Fact]
    public async Task The_admin_s_cookie_writes_as_well_but_a_form_without_its_token_does_not()
    {
        using var admin = _app.CreateClient();
        using var wrong = await ArticlesApp.SignInAsync(admin, "wrong");
        Assert.Contains("do not go together", await wrong.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        using var signedIn = await ArticlesApp.SignInAsync(admin, "dev");
        Assert.Equal("/admin", signedIn.RequestMessage!.RequestUri!.AbsolutePath);

        using var written = await admin.PostAsJsonAsync("/api/articles", new { title = "t", body = "b" });
        Assert.Equal(HttpStatusCode.Created, written.StatusCode);

        using var forged = await admin.PostAsync("/admin/edit", new FormUrlEncodedContent([new("Input.Title", "forged"), new("Input.Body", "b")]));
        Assert.Equal(HttpStatusCode.BadRequest, forged.StatusCode);
        Assert.Equal(1, (await admin.GetFromJsonAsync<JsonElement>("/api/articles")).GetArrayLength());
    }

    [Fact]
    public async Task The_cookie_is_strict_and_out_of_the_reach_of_scripts()
    {
        using var handler = new HttpClientHandler { AllowAutoRedirect = false };
        using var client = new HttpClient(handler) { BaseAddress = _app.Address, Timeout = Wait.Limit };

        using var signedIn = await ArticlesApp.SignInAsync(client, "dev");

        var cookie = signedIn.Headers.GetValues("Set-Cookie").Single();
        Assert.Contains("samesite=strict", cookie, StringComparison.Ordinal);
        Assert.Contains("httponly", cookie, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_lets_nothing_else_run_in_it_and_the_sample_says_that_it_is_well()
    {
        using var reader = _app.CreateClient();

        using var page = await reader.GetAsync("/");
        using var ready = await reader.GetAsync("/health/ready");
        using var alive = await reader.GetAsync("/health/live");

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK), (page.StatusCode, ready.StatusCode, alive.StatusCode));
        Assert.Equal("default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", page.Headers.GetValues("Content-Security-Policy").Single());
        Assert.Equal("nosniff", page.Headers.GetValues("X-Content-Type-Options").Single());
    }

    [Theory]
    [InlineData("/admin")]
    [InlineData("/admin/edit")]
    public async Task Who_has_not_signed_in_sees_no_page_of_the_admin(string path)
    {
        using var stranger = _app.CreateClient();

        using var page = await stranger.GetAsync(path);
        using var posted = await stranger.PostAsync(path, new FormUrlEncodedContent([new("Input.Title", "t"), new("Input.Body", "b")]));

        Assert.Equal("/admin/login", page.RequestMessage!.RequestUri!.AbsolutePath);
        Assert.Equal("/admin/login", posted.RequestMessage!.RequestUri!.AbsolutePath);
        Assert.Equal("[]", await stranger.GetStringAsync("/api/articles"));
    }

    [Theory]
    [InlineData("/admin/edit", "/admin/edit")]
    [InlineData("https://elsewhere.example/", "/admin")]
    [InlineData("//elsewhere.example/", "/admin")]
    public async Task Whoever_signs_in_stays_at_this_site(string wanted, string location)
    {
        using var handler = new HttpClientHandler { AllowAutoRedirect = false };
        using var client = new HttpClient(handler) { BaseAddress = _app.Address, Timeout = Wait.Limit };

        using var signedIn = await ArticlesApp.SignInAsync(client, "dev", $"/admin/login?ReturnUrl={Uri.EscapeDataString(wanted)}");

        Assert.Equal(location, signedIn.Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task Guessing_the_password_is_slowed_down()
    {
        using var client = _app.CreateClient();

        for (var attempt = 0; attempt < 10; attempt++)
            (await ArticlesApp.SignInAsync(client, "guess")).Dispose();
        using var response = await ArticlesApp.SignInAsync(client, "dev");
        using var form = await client.GetAsync("/admin/login");

        Assert.Equal((HttpStatusCode.TooManyRequests, HttpStatusCode.OK), (response.StatusCode, form.StatusCode)); // looking at the form is no attempt
    }

    [Fact]
    public async Task In_production_nothing_opens_that_was_not_configured()
    {
        using var production = new ArticlesApp(environment: "Production");
        using var client = production.CreateWriter();

        using var written = await client.PostAsJsonAsync("/api/articles", new { title = "t", body = "b" });
        using var signedIn = await client.PostAsync("/admin/login", new FormUrlEncodedContent([new("Name", "admin"), new("Password", "dev")]));

        Assert.Equal(HttpStatusCode.Unauthorized, written.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, signedIn.StatusCode);
        Assert.Contains("Signing in is off", await client.GetStringAsync("/admin/login"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_runs_from_anywhere_and_the_command_line_s_address_wins()
    {
        using var folder = new SampleFolder();
        var port = LoopbackPort.Free();
        string[] arguments = ["--urls", $"http://127.0.0.1:{port}", "--ConnectionStrings:Articles", $"Data Source={Path.Combine(folder.Path, "articles.db")}"];
        await using var process = ChildProcess.Start("Articles.dll", arguments, start =>
        {
            start.WorkingDirectory = Path.GetTempPath();
            start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:1";
            start.Environment["DOTNET_ENVIRONMENT"] = "Development";
        });

        var line = await process.SaysAsync("Now listening on");

        Assert.EndsWith($"http://127.0.0.1:{port}", line, StringComparison.Ordinal);
    }
}
