using System.Data.Common;
using System.Net.Http.Json;
using System.Text.Json;
using Articles;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Samples;

/// <summary>What open pages get, on one node and on several.</summary>
public sealed class ArticlesNewsTests(PostgresServer postgres) : IDisposable
{
    private readonly ArticlesApp _app = new();

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

    public void Dispose() => _app.Dispose();
}
