using System.Data.Common;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Articles;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Runnel.Specification;
using Runnel.Tests.Processes;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Samples;

public sealed class ArticlesTests(PostgresServer postgres) : IClassFixture<PostgresServer>, IDisposable
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

    [Fact]
    public async Task Articles_outlive_their_process_and_are_those_of_every_node_of_the_machine()
    {
        using var folder = new SampleFolder();
        var first = await SampleProcess.ServeAsync("Articles", folder);
        using (var writer = Writer(first))
            await ArticlesApp.PostAsync(writer, "Rain at last");

        await first.DisposeAsync(); // kill -9
        await using var second = await SampleProcess.ServeAsync("Articles", folder);
        // Its tables are made before the command line is read in full: the layer, which stands behind a switch without a value, holds all the same.
        await using var other = await SampleProcess.ServeAsync("Articles", folder, 0, "runserver", "--noworker");
        using var socket = await other.OpenSocketAsync("/ws/articles");
        var snapshot = await socket.ReadAsync();
        using (var writer = Writer(second))
            await ArticlesApp.PostAsync(writer, "More of it");
        var created = await socket.ReadAsync();
        var list = await other.Client.GetFromJsonAsync<JsonElement>("/api/articles");

        Assert.Equal("Rain at last", Assert.Single(snapshot.GetProperty("data").EnumerateArray()).GetProperty("title").GetString());
        Assert.Equal("More of it", created.GetProperty("data").GetProperty("title").GetString());
        Assert.Equal(["More of it", "Rain at last"], list.EnumerateArray().Select(article => article.GetProperty("title").GetString()!));

        static HttpClient Writer(SampleProcess app) =>
            new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = app.Address, DefaultRequestHeaders = { { "X-Api-Key", "dev" } } };
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
        using var client = new HttpClient(handler) { BaseAddress = _app.Address };

        using var signedIn = await ArticlesApp.SignInAsync(client, "dev");

        var cookie = signedIn.Headers.GetValues("Set-Cookie").Single();
        Assert.Contains("samesite=strict", cookie, StringComparison.Ordinal);
        Assert.Contains("httponly", cookie, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Guessing_the_password_is_slowed_down()
    {
        using var client = _app.CreateClient();

        for (var attempt = 0; attempt < 10; attempt++)
            (await ArticlesApp.SignInAsync(client, "guess")).Dispose();
        using var response = await ArticlesApp.SignInAsync(client, "dev");

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
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
    public async Task A_socket_gets_the_latest_five_and_then_what_happens()
    {
        using var writer = _app.CreateWriter();
        for (var number = 1; number <= 6; number++)
            await ArticlesApp.PostAsync(writer, $"{number}");

        using var socket = await _app.OpenSocketAsync("/ws/articles");
        var snapshot = await socket.ReadAsync();
        await ArticlesApp.PostAsync(writer, "7");
        await writer.PutAsJsonAsync("/api/articles/7", new { title = "7!", body = "b" });
        await writer.DeleteAsync("/api/articles/7");

        Assert.Equal("snapshot article", $"{snapshot.GetProperty("action")} {snapshot.GetProperty("model")}");
        Assert.Equal(["6", "5", "4", "3", "2"], snapshot.GetProperty("data").EnumerateArray().Select(article => article.GetProperty("title").GetString()));
        Assert.Equal(["id", "title", "body", "createdAt"], snapshot.GetProperty("data")[0].EnumerateObject().Select(field => field.Name));
        foreach (var expected in new[] { "create article 7 7", "update article 7 7!", "delete article 7 7!" })
        {
            var frame = await socket.ReadAsync();
            Assert.Equal(expected, $"{frame.GetProperty("action")} {frame.GetProperty("model")} {frame.GetProperty("pk")} {frame.GetProperty("data").GetProperty("title")}");
        }
    }

    [Fact]
    public async Task The_shared_socket_has_them_as_a_stream()
    {
        using var writer = _app.CreateWriter();

        using var socket = await _app.OpenSocketAsync("/ws");
        var snapshot = await socket.ReadAsync();
        await ArticlesApp.PostAsync(writer, "one");
        var create = await socket.ReadAsync();

        Assert.Equal("articles", snapshot.GetProperty("stream").GetString());
        Assert.Equal("snapshot", snapshot.GetProperty("payload").GetProperty("action").GetString());
        Assert.Equal("articles", create.GetProperty("stream").GetString());
        Assert.Equal("one", create.GetProperty("payload").GetProperty("data").GetProperty("title").GetString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_thousand_articles_by_eight_writers_arrive_once_each_and_each_writer_s_in_order(bool inPostgres)
    {
        const int Writers = 8, Each = 125;
        await using var app = new ArticlesApp(database: inPostgres ? await postgres.CreateDatabaseAsync() : "");
        using var socket = await app.OpenSocketAsync("/ws/articles");
        Assert.Equal(0, (await socket.ReadAsync()).GetProperty("data").GetArrayLength());

        var writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            using var client = app.CreateWriter();
            for (var number = 0; number < Each; number++)
                await ArticlesApp.PostAsync(client, $"{writer} {number:000}");
        }));
        var received = new List<JsonElement>();
        while (received.Count < Writers * Each)
            received.Add(await socket.ReadAsync());
        await Wait.For(writing, "the writers");

        // Whatever came twice would come before this.
        using var last = app.CreateWriter();
        await ArticlesApp.PostAsync(last, "last");
        Assert.Equal("last", (await socket.ReadAsync()).GetProperty("data").GetProperty("title").GetString());

        Assert.All(received, frame => Assert.Equal("create", frame.GetProperty("action").GetString()));
        Assert.Equal(Writers * Each, received.Select(frame => frame.GetProperty("pk").GetInt32()).Distinct().Count());
        var byWriter = received.Select(frame => frame.GetProperty("data").GetProperty("title").GetString()!).GroupBy(title => title[0]);
        Assert.All(byWriter, titles => Assert.Equal(Enumerable.Range(0, Each).Select(number => $"{titles.Key} {number:000}"), titles));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Tables_that_another_node_creates_at_the_same_moment_are_there_for_both(bool inPostgres)
    {
        using var folder = new SampleFolder();
        var database = inPostgres ? await postgres.CreateDatabaseAsync() : $"Data Source={Path.Combine(folder.Path, "articles.db")};Pooling=False";
        var options = new DbContextOptionsBuilder<ArticlesContext>();
        ArticlesContext.UseDatabase(options, database, folder.Path);
        await using var other = new ArticlesContext(options.Options);
        await using var one = new ArticlesContext(options.AddInterceptors(new Overtaken(other)).Options);

        await one.CreateTablesAsync();

        Assert.Empty(await one.Latest.ToListAsync());
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

    /// <summary>Between the look that finds no tables and their creation, another node creates them.</summary>
    private sealed class Overtaken(ArticlesContext other) : DbTransactionInterceptor
    {
        public override async ValueTask<InterceptionResult<DbTransaction>> TransactionStartingAsync(
            DbConnection connection, TransactionStartingEventData eventData, InterceptionResult<DbTransaction> result, CancellationToken cancellationToken = default)
        {
            await other.Database.EnsureCreatedAsync(cancellationToken);
            return result;
        }
    }
}
