using System.Net.Http.Json;
using System.Text.Json;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Samples;

/// <summary>The samples where RabbitMQ is the house broker: groups and work there, and states in a file beside it. Web nodes and workers are processes of their own.</summary>
public sealed class SamplesOnRabbitMQTests(SharedRabbitServer server) : IAsyncLifetime
{
    private readonly List<SampleProcess> _processes = [];
    private RabbitVirtualHost _host = null!;
    private SampleFolder _folder = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await server.CreateHostAsync();
        _folder = new SampleFolder(_host.Address);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
            await process.DisposeAsync();
        _folder.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task What_one_web_node_of_articles_publishes_arrives_at_a_socket_of_the_other()
    {
        var one = await ServeAsync("Articles");
        var other = await ServeAsync("Articles");
        using var writer = new HttpClient(new SocketsHttpHandler()) { BaseAddress = one.Address, Timeout = Wait.Limit, DefaultRequestHeaders = { { "X-Api-Key", "dev" } } };
        using var socket = await other.OpenSocketAsync("/ws/articles");
        var snapshot = await socket.ReadAsync();

        var id = await ArticlesApp.PostAsync(writer, "Rain at last");
        var created = await socket.ReadAsync();
        (await writer.DeleteAsync($"/api/articles/{id}")).Dispose();
        var deleted = await socket.ReadAsync();

        Assert.Equal(0, snapshot.GetProperty("data").GetArrayLength());
        Assert.Equal(("create", "Rain at last"), (created.GetProperty("action").GetString(), created.GetProperty("data").GetProperty("title").GetString()));
        Assert.Equal(("delete", id), (deleted.GetProperty("action").GetString(), deleted.GetProperty("pk").GetInt32()));
        Assert.Equal((0, 0), (await one.TerminateAsync(), await other.TerminateAsync()));
    }

    [Fact]
    public async Task A_job_s_progress_comes_from_the_worker_to_the_page_and_the_job_outlives_its_worker()
    {
        var web = await ServeAsync("Progress", "--noworker");
        var first = await WorkAsync("Progress");
        var (http, cookie) = await web.VisitAsync();
        using var visitor = http;
        using var page = await web.OpenSocketAsync("/ws/tasks", cookie);
        await page.ReadAsync(); // the snapshot

        using var started = await visitor.PostAsJsonAsync("/api/tasks", new { steps = 25, stepMilliseconds = 40 });
        var last = await page.ReadAsync();
        while (ProgressOf(last) is not > 0.2)
            last = await page.ReadAsync();
        await first.KillAsync();
        var second = await WorkAsync("Progress");
        while (StateOf(last) != "succeeded") // a page that joins the job late may hear of its end only, behind which nothing comes
            last = await page.ReadAsync();

        Assert.True(started.IsSuccessStatusCode);
        Assert.Equal("Step 25 of 25", last.GetProperty("text").GetString());
        var listed = await visitor.GetFromJsonAsync<JsonElement>("/api/tasks");
        Assert.Equal("succeeded", StateOf(Assert.Single(listed.EnumerateArray())));
        Assert.Equal((0, 0), (await second.TerminateAsync(), await web.TerminateAsync()));
    }

    [Fact]
    public async Task Every_order_is_paid_and_charged_once_by_a_worker_apart()
    {
        var web = await ServeAsync("Payments", "--noworker");
        var worker = await WorkAsync("Payments");
        string[] orders = [.. Enumerable.Range(1, 12).Select(number => $"order-{number}")];

        foreach (var (index, order) in orders.Index())
            (await web.Client.PostAsJsonAsync($"/api/orders/{order}/pay", new { nonce = index % 3 == 0 ? "flaky-1" : "ok", total = 25.5 })).Dispose();
        await Wait.Until(async () => (await web.Client.GetFromJsonAsync<JsonElement>("/api/orders")).EnumerateArray().Count(order => StateOf(order) == "paid") == orders.Length, "all orders are paid");

        var charged = File.ReadLines(Path.Combine(_folder.Path, "ledger.jsonl")).Select(line => JsonElement.Parse(line).GetProperty("orderId").GetString()!);
        Assert.Equal(orders.Order(), charged.Order());
        Assert.Equal((0, 0), (await worker.TerminateAsync(), await web.TerminateAsync()));
    }

    private static string? StateOf(JsonElement job) => job.TryGetProperty("state", out var state) ? state.GetString() : null;

    private static double? ProgressOf(JsonElement job) => job.TryGetProperty("progress", out var progress) && progress.ValueKind == JsonValueKind.Number ? progress.GetDouble() : null;

    private string[] States => ["--state-layer", $"sqlite:{Path.Combine(_folder.Path, "states.db")}"];

    private async Task<SampleProcess> ServeAsync(string sample, params string[] arguments) => Keep(await SampleProcess.ServeAsync(sample, _folder, 0, ["runserver", .. arguments, .. States]));

    private async Task<SampleProcess> WorkAsync(string sample) => Keep(await SampleProcess.WorkAsync(sample, _folder, States));

    private SampleProcess Keep(SampleProcess process)
    {
        _processes.Add(process);
        return process;
    }
}
