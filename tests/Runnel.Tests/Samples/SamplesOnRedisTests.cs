using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Playwright;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Redis;
using Runnel.Tests.Servers;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Runnel.Tests.Samples;

/// <summary>The samples as they are run at scale: several web nodes, workers apart from them, and one Redis between all.</summary>
public sealed class SamplesOnRedisTests : IClassFixture<RedisServer>, IClassFixture<Chromium>, IAsyncDisposable
{
    private static readonly string[] WebOnly = ["runserver", "--noworker"];

    private readonly PostgresServer _postgres;
    private readonly Chromium _chromium;
    private readonly RedisPlace _place;
    private readonly SampleFolder _folder;
    private readonly List<SampleProcess> _processes = [];

    public SamplesOnRedisTests(RedisServer redis, PostgresServer postgres, Chromium chromium)
    {
        (_postgres, _chromium) = (postgres, chromium);
        _place = new RedisPlace(redis);
        _folder = new SampleFolder(_place.Address);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
            await process.DisposeAsync();
        _folder.Dispose();
        await _place.DisposeAsync();
    }

    [Fact]
    public async Task What_one_web_node_publishes_arrives_at_a_socket_and_on_a_page_of_the_other()
    {
        using var onPostgres = new SampleFolder(_place.Address) { Database = await _postgres.CreateDatabaseAsync() };
        var nodes = await Task.WhenAll(ServeAsync(), ServeAsync()); // at once, and on a database without tables
        var (one, other) = (nodes[0], nodes[1]);
        using var writer = new HttpClient(new SocketsHttpHandler()) { BaseAddress = one.Address, Timeout = Wait.Limit, DefaultRequestHeaders = { { "X-Api-Key", "dev" } } };
        using var socket = await other.OpenSocketAsync("/ws/articles");
        var snapshot = await socket.ReadAsync();
        var page = await _chromium.NewPageAsync(other.Address);
        await page.GotoAsync("/");
        await Expect(page.Locator("#badge")).ToHaveTextAsync("Live");

        var id = await ArticlesApp.PostAsync(writer, "Rain at last");
        var created = await socket.ReadAsync();
        await Expect(page.Locator("#articles h2")).ToHaveTextAsync(["Rain at last"]);
        (await writer.DeleteAsync($"/api/articles/{id}")).Dispose();
        var deleted = await socket.ReadAsync();
        await Expect(page.GetByText("No articles yet.")).ToBeVisibleAsync();

        Assert.Equal(0, snapshot.GetProperty("data").GetArrayLength());
        Assert.Equal(("create", "Rain at last"), (created.GetProperty("action").GetString(), created.GetProperty("data").GetProperty("title").GetString()));
        Assert.Equal(("delete", id), (deleted.GetProperty("action").GetString(), deleted.GetProperty("pk").GetInt32()));
        Assert.Equal((0, 0), (await one.TerminateAsync(), await other.TerminateAsync()));

        async Task<SampleProcess> ServeAsync() => Keep(await SampleProcess.ServeAsync("Articles", onPostgres));
    }

    [Fact]
    public async Task A_job_s_progress_reaches_the_page_and_the_job_outlives_its_worker()
    {
        var web = await ServeAsync("Progress", WebOnly);
        var first = await WorkAsync("Progress");
        var page = await _chromium.NewPageAsync(web.Address);
        await page.GotoAsync("/");
        await page.GetByLabel("Steps").FillAsync("40");
        await page.GetByLabel("Milliseconds").FillAsync("100");

        await page.GetByRole(AriaRole.Button, new() { Name = "Start a task" }).ClickAsync();
        await page.WaitForFunctionAsync("() => Number(document.querySelector('[role=progressbar]')?.getAttribute('aria-valuenow')) > 10");
        await first.KillAsync();
        await Expect(page.GetByRole(AriaRole.Progressbar)).Not.ToHaveAttributeAsync("aria-valuenow", "100");
        var second = await WorkAsync("Progress");

        await Expect(page.Locator(".pill")).ToHaveTextAsync(["Done"], new() { Timeout = (float)Wait.Limit.TotalMilliseconds });
        await Expect(page.GetByRole(AriaRole.Progressbar)).ToHaveAttributeAsync("aria-valuenow", "100");
        Assert.Equal((0, 0), (await second.TerminateAsync(), await web.TerminateAsync()));
    }

    [Fact]
    public async Task Groups_on_redis_and_work_in_a_file_make_one_application()
    {
        var file = $"sqlite:{Path.Combine(_folder.Path, "work.db")}";
        var web = await ServeAsync("Progress", [.. WebOnly, "--queue-layer", file]);
        await WorkAsync("Progress", "--queue-layer", file, "--only-channels", "websocket*");
        var page = await _chromium.NewPageAsync(web.Address);
        await page.GotoAsync("/");
        await page.GetByLabel("Steps").FillAsync("5");
        await page.GetByLabel("Milliseconds").FillAsync("20");
        await page.GetByRole(AriaRole.Button, new() { Name = "Start a task" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Progressbar)).ToBeVisibleAsync();
        await using (var work = LayerAddress.FactoryOf(file).Create(file, TimeProvider.System, NullLoggerFactory.Instance))
            Assert.Equal(1, Assert.Single(await work.Operator!.ListChannelsAsync()).Ready);
        Assert.DoesNotContain(_place.Kept, key => key.EndsWith(":messages", StringComparison.Ordinal));

        var worker = await WorkAsync("Progress", "--queue-layer", file);

        await Expect(page.Locator(".pill")).ToHaveTextAsync(["Done"], new() { Timeout = (float)Wait.Limit.TotalMilliseconds });
        Assert.Equal((0, 0), (await worker.TerminateAsync(), await web.TerminateAsync()));
    }

    [Fact]
    public async Task Groups_on_redis_work_in_one_file_and_states_in_another_make_one_application()
    {
        var (work, states) = ($"sqlite:{Path.Combine(_folder.Path, "work.db")}", $"sqlite:{Path.Combine(_folder.Path, "states.db")}");
        string[] layers = ["--queue-layer", work, "--state-layer", states];
        var web = await ServeAsync("Progress", [.. WebOnly, .. layers]);
        var worker = await WorkAsync("Progress", layers);
        var page = await _chromium.NewPageAsync(web.Address);
        await page.GotoAsync("/");
        await page.GetByLabel("Steps").FillAsync("5");
        await page.GetByLabel("Milliseconds").FillAsync("20");

        await page.GetByRole(AriaRole.Button, new() { Name = "Start a task" }).ClickAsync();

        await Expect(page.Locator(".pill")).ToHaveTextAsync(["Done"], new() { Timeout = (float)Wait.Limit.TotalMilliseconds });
        await page.ReloadAsync();
        await Expect(page.Locator(".pill")).ToHaveTextAsync(["Done"], new() { Timeout = (float)Wait.Limit.TotalMilliseconds });
        Assert.DoesNotContain(_place.Kept, key => key.Contains("job.", StringComparison.Ordinal));
        Assert.Equal((0, 0), (await worker.TerminateAsync(), await web.TerminateAsync()));
    }

    [Fact]
    public async Task A_worker_that_keeps_its_states_elsewhere_than_the_web_ends_with_one_sentence()
    {
        var web = await ServeAsync("Progress", WebOnly);
        var worker = await WorkAsync("Progress", "--state-layer", $"sqlite:{Path.Combine(_folder.Path, "states.db")}");

        var exitCode = await worker.ExitAsync();

        Assert.Equal(1, exitCode);
        Assert.Contains("This process keeps its states in sqlite/", worker.Output, StringComparison.Ordinal);
        Assert.Equal(0, await web.TerminateAsync());
    }

    [Fact]
    public async Task A_page_and_its_job_ride_out_a_restart_of_redis_and_so_does_what_is_sent_meanwhile()
    {
        await using var redis = await RedisServer.StartAsync(new RedisServerOptions());
        using var folder = new SampleFolder(redis.Address);
        await using var web = await SampleProcess.ServeAsync("Progress", folder, 0, WebOnly);
        await using var worker = await SampleProcess.WorkAsync("Progress", folder);
        var page = await _chromium.NewPageAsync(web.Address);
        await page.GotoAsync("/");
        await Expect(page.Locator("#badge")).ToHaveTextAsync("Live");
        var cookie = (await page.Context.CookiesAsync()).Single();
        web.Client.DefaultRequestHeaders.Add("Cookie", $"{cookie.Name}={cookie.Value}"); // what the page did not start itself is its visitor's, too
        using var started = await web.Client.PostAsJsonAsync("/api/tasks", new { steps = 60, stepMilliseconds = 50 });
        await page.WaitForFunctionAsync("() => Number(document.querySelector('[role=progressbar]')?.getAttribute('aria-valuenow')) > 10");

        await redis.KillAsync();
        var sending = web.Client.PostAsJsonAsync("/api/tasks", new { steps = 2, stepMilliseconds = 50 });
        await redis.RestartAsync();
        using var sent = await Wait.For(sending, "the task to be accepted");

        Assert.Equal(HttpStatusCode.Accepted, sent.StatusCode);
        await Expect(page.Locator(".pill")).ToHaveTextAsync(["Done", "Done"], new() { Timeout = (float)Wait.Limit.TotalMilliseconds });
        var tasks = await web.Client.GetFromJsonAsync<JsonElement>("/api/tasks");
        Assert.All(tasks.EnumerateArray(), task => Assert.Equal(1, task.GetProperty("attempt").GetInt32()));
        Assert.Equal((0, 0), (await worker.TerminateAsync(), await web.TerminateAsync()));
    }

    [Fact]
    public async Task Every_order_is_paid_and_charged_once_though_a_worker_is_killed_in_the_middle()
    {
        var web = await ServeAsync("Payments", WebOnly);
        string[] orders = [.. Enumerable.Range(1, 30).Select(number => $"order-{number}")];
        foreach (var (index, order) in orders.Index())
            (await web.Client.PostAsJsonAsync($"/api/orders/{order}/pay", new { nonce = index % 3 == 0 ? "flaky-1" : "ok", total = 25.5 })).Dispose();

        var first = await WorkAsync("Payments", "--threads", "4");
        await Wait.Until(async () => await CountAsync(web, order => order.GetProperty("transactionId").ValueKind == JsonValueKind.String) >= 4, "some orders are charged");
        await first.KillAsync();
        var paidBefore = await CountAsync(web, IsPaid);
        var second = await WorkAsync("Payments");
        await Wait.Until(async () => await CountAsync(web, IsPaid) == orders.Length, "all orders are paid");

        Assert.True(paidBefore < orders.Length, "The worker was killed too late to prove anything.");
        var charged = File.ReadLines(Path.Combine(_folder.Path, "ledger.jsonl")).Select(line => JsonElement.Parse(line).GetProperty("orderId").GetString()!);
        Assert.Equal(orders.Order(), charged.Order());
        Assert.Equal((0, 0), (await second.TerminateAsync(), await web.TerminateAsync()));
    }

    private static bool IsPaid(JsonElement order) => order.GetProperty("state").GetString() == "paid";

    private static async Task<int> CountAsync(SampleProcess web, Func<JsonElement, bool> condition) =>
        (await web.Client.GetFromJsonAsync<JsonElement>("/api/orders")).EnumerateArray().Count(condition);

    private async Task<SampleProcess> ServeAsync(string sample, params string[] arguments) => Keep(await SampleProcess.ServeAsync(sample, _folder, 0, arguments));

    private async Task<SampleProcess> WorkAsync(string sample, params string[] arguments) => Keep(await SampleProcess.WorkAsync(sample, _folder, arguments));

    private SampleProcess Keep(SampleProcess process)
    {
        lock (_processes)
            _processes.Add(process);
        return process;
    }
}
