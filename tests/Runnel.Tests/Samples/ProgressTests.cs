using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Samples;

public sealed class ProgressTests : IDisposable
{
    private readonly SampleFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_task_is_accepted_at_once_and_followed_to_its_end()
    {
        await using var app = await ServeAsync();

        using var accepted = await app.Client.PostAsJsonAsync("/api/tasks", new { steps = 20, stepMilliseconds = 250 }); // whoever follows it late sees some of it, too
        var id = (await accepted.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
        var states = await FollowAsync(app, id);

        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Assert.Equal($"/jobs/{id}", accepted.Headers.Location!.OriginalString);
        Assert.Equal(
            ["id", "channel", "state", "progress", "text", "attempt", "error", "result", "createdAt", "updatedAt", "expiresAt"],
            states[^1].EnumerateObject().Select(field => field.Name));
        Assert.Equal("succeeded", StateOf(states[^1]));
        Assert.Equal("Step 20 of 20", states[^1].GetProperty("text").GetString());
        var progress = states.Select(state => state.GetProperty("progress")).Where(value => value.ValueKind == JsonValueKind.Number).Select(value => value.GetDouble()).ToList();
        Assert.Equal(progress.Order(), progress);
        Assert.True(progress.Distinct().Count() > 3, string.Join(' ', progress));
        var listed = await app.Client.GetFromJsonAsync<JsonElement>("/api/tasks");
        Assert.Equal(id, Assert.Single(listed.EnumerateArray()).GetProperty("id").GetString());
    }

    [Fact]
    public async Task What_is_no_task_is_refused_with_what_is_wrong_with_it()
    {
        await using var app = await ServeAsync();
        (string Path, string Json)[] wrong =
        [
            ("tasks", """{"steps":0}"""), ("tasks", """{"steps":100000}"""), ("tasks", """{"stepMilliseconds":0}"""), ("tasks", """{"failAtStep":0}"""),
            ("tasks", """{"steps":"many"}"""), ("tasks", "[]"), ("tasks", ""), ("polled-tasks", """{"seconds":-1}"""), ("polled-tasks", """{"seconds":1e9}"""),
        ];

        foreach (var (path, json) in wrong)
        {
            using var response = await app.Client.PostAsync($"/api/{path}", new StringContent(json, Encoding.UTF8, "application/json"));
            Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{json}: {response.StatusCode}");
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        }

        Assert.Equal("[]", await app.Client.GetStringAsync("/api/tasks"));
    }

    [Fact]
    public async Task A_task_that_fails_is_tried_again_and_then_given_up()
    {
        await using var app = await ServeAsync();

        var states = await FollowAsync(app, await StartAsync(app, new { steps = 4, stepMilliseconds = 500, failAtStep = 2 }));

        Assert.Contains(states, state => StateOf(state) == "failed");
        Assert.Equal("dead", StateOf(states[^1]));
        Assert.Equal(3, states[^1].GetProperty("attempt").GetInt32());
        Assert.Contains("Step 2 went wrong", states[^1].GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_running_task_is_cancelled()
    {
        await using var app = await ServeAsync();
        var id = await StartAsync(app, new { steps = 1000, stepMilliseconds = 50 });
        await UntilAsync(app, id, state => Progress(state) > 0);

        using var deleted = await app.Client.DeleteAsync($"/jobs/{id}");
        var states = await FollowAsync(app, id);

        Assert.True(deleted.IsSuccessStatusCode);
        Assert.Equal("cancelled", StateOf(states[^1]));
        using var again = await app.Client.DeleteAsync($"/jobs/{id}");
        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
    }

    [Fact]
    public async Task Work_of_a_backend_service_is_asked_after_until_it_is_complete()
    {
        await using var app = await ServeAsync();

        using var accepted = await app.Client.PostAsJsonAsync("/api/polled-tasks", new { seconds = 6 }); // far longer than the first answer may take
        var states = await FollowAsync(app, (await accepted.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!);

        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Assert.Contains(states, state => StateOf(state) == "scheduled" && Progress(state) is > 0 and < 1);
        Assert.Equal("succeeded", StateOf(states[^1]));
        Assert.Equal(1, states[^1].GetProperty("attempt").GetInt32());
    }

    [Fact]
    public async Task Every_page_hears_of_every_task_and_one_that_opens_late_finds_it()
    {
        await using var app = await ServeAsync();
        using var early = await app.OpenSocketAsync("/ws/tasks");
        Assert.Equal(0, (await early.ReadAsync()).GetProperty("data").GetArrayLength());

        var id = await StartAsync(app, new { steps = 40, stepMilliseconds = 50 });
        var state = await early.ReadAsync();
        for (; Progress(state) is null or 0; state = await early.ReadAsync())
            Assert.Equal(id, state.GetProperty("id").GetString());
        using var late = await app.OpenSocketAsync("/ws/tasks");
        var found = Assert.Single((await late.ReadAsync()).GetProperty("data").EnumerateArray());

        Assert.Equal(id, found.GetProperty("id").GetString());
        foreach (var (page, seen) in new[] { (early, state), (late, found) })
        {
            var last = seen; // on a busy machine it may be the end already, behind which nothing comes
            while (StateOf(last) != "succeeded")
                last = await page.ReadAsync();
        }
    }

    [Fact]
    public async Task A_task_is_its_visitor_s_and_nobody_else_s()
    {
        await using var app = await ServeAsync();
        var (mine, myCookie) = await app.VisitAsync();
        var (yours, yourCookie) = await app.VisitAsync("/index.html");
        using var first = mine;
        using var second = yours;
        using var mySocket = await app.OpenSocketAsync("/ws/tasks", myCookie);
        using var yourSocket = await app.OpenSocketAsync("/ws/tasks", yourCookie);
        Assert.Equal((0, 0), ((await mySocket.ReadAsync()).GetProperty("data").GetArrayLength(), (await yourSocket.ReadAsync()).GetProperty("data").GetArrayLength()));

        using var accepted = await mine.PostAsJsonAsync("/api/tasks", new { steps = 1, stepMilliseconds = 1 });
        var path = accepted.Headers.Location!.OriginalString;
        using var own = await yours.PostAsJsonAsync("/api/tasks", new { steps = 1, stepMilliseconds = 1 });

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(mine, HttpMethod.Get, path));
        foreach (var stranger in new[] { yours, app.Client })
        {
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(stranger, HttpMethod.Get, path));
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(stranger, HttpMethod.Get, path + "/events"));
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(stranger, HttpMethod.Delete, path));
        }
        Assert.Contains(path["/jobs/".Length..], await mine.GetStringAsync("/api/tasks"), StringComparison.Ordinal);
        Assert.DoesNotContain(path["/jobs/".Length..], await yours.GetStringAsync("/api/tasks"), StringComparison.Ordinal);
        using var later = await mine.PostAsJsonAsync("/api/tasks", new { steps = 1, stepMilliseconds = 1 });
        var listed = (await mine.GetFromJsonAsync<JsonElement>("/api/tasks")).EnumerateArray().Select(job => "/jobs/" + job.GetProperty("id").GetString());
        Assert.Equal([later.Headers.Location!.OriginalString, path], listed); // the newest first
        Assert.Equal("[]", await app.Client.GetStringAsync("/api/tasks"));
        Assert.Equal(own.Headers.Location!.OriginalString, "/jobs/" + (await yourSocket.ReadAsync()).GetProperty("id").GetString());
        Assert.Equal(path, "/jobs/" + (await mySocket.ReadAsync()).GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_task_outlives_the_death_of_its_process_and_its_page_the_restart()
    {
        var first = await SampleProcess.ServeAsync("Progress", _folder, LoopbackPort.Free()); // a port that nobody takes while it is down
        var id = await StartAsync(first, new { steps = 20, stepMilliseconds = 50 });
        await UntilAsync(first, id, state => Progress(state) > 0.2);

        await first.KillAsync();
        await using var second = await SampleProcess.ServeAsync("Progress", _folder, first.Address.Port);
        var states = await FollowAsync(second, id);
        await first.DisposeAsync();

        Assert.Equal("succeeded", StateOf(states[^1]));
        Assert.Equal(1, states[^1].GetProperty("progress").GetDouble());
        Assert.Contains(id, await second.Client.GetStringAsync("/api/tasks"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_web_process_and_two_workers_one_worker_dies_and_the_other_takes_over()
    {
        await using var web = await SampleProcess.ServeAsync("Progress", _folder, 0, "runserver", "--noworker");
        var id = await StartAsync(web, new { steps = 30, stepMilliseconds = 50 });
        Assert.Equal("queued", StateOf(await StateAsync(web, id)));

        await using var first = await SampleProcess.WorkAsync("Progress", _folder, "--only-channels", "tasks");
        await UntilAsync(web, id, state => Progress(state) > 0.1);
        await using var second = await SampleProcess.WorkAsync("Progress", _folder);
        await first.KillAsync();
        var states = await FollowAsync(web, id);

        Assert.Equal("succeeded", StateOf(states[^1]));
    }

    [Fact]
    public async Task A_worker_that_is_told_to_stop_finishes_its_task_first()
    {
        await using var web = await SampleProcess.ServeAsync("Progress", _folder, 0, "runserver", "--noworker");
        await using var worker = await SampleProcess.WorkAsync("Progress", _folder);
        var id = await StartAsync(web, new { steps = 20, stepMilliseconds = 50 });
        await UntilAsync(web, id, state => Progress(state) > 0);

        var code = await worker.TerminateAsync();

        Assert.Equal(0, code);
        Assert.Equal("succeeded", StateOf(await StateAsync(web, id)));
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        using var response = await http.SendAsync(request);
        return response.StatusCode;
    }

    private Task<SampleProcess> ServeAsync() => SampleProcess.ServeAsync("Progress", _folder);

    private static async Task<string> StartAsync(SampleProcess app, object task)
    {
        using var accepted = await app.Client.PostAsJsonAsync("/api/tasks", task);
        return (await accepted.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
    }

    private static Task<JsonElement> StateAsync(SampleProcess app, string id) => app.Client.GetFromJsonAsync<JsonElement>($"/jobs/{id}");

    private static Task UntilAsync(SampleProcess app, string id, Func<JsonElement, bool> condition) =>
        Wait.Until(async () => condition(await StateAsync(app, id)), $"task {id} has come so far");

    /// <summary>Every state that the job's events tell of, to the end.</summary>
    private static async Task<List<JsonElement>> FollowAsync(SampleProcess app, string id)
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        await using var stream = await app.Client.GetStreamAsync($"/jobs/{id}/events", limit.Token);
        var states = new List<JsonElement>();
        await foreach (var item in SseParser.Create(stream, (_, data) => JsonElement.Parse(data)).EnumerateAsync(limit.Token))
            states.Add(item.Data);
        return states;
    }

    private static string StateOf(JsonElement job) => job.GetProperty("state").GetString()!;

    private static double? Progress(JsonElement job) => job.GetProperty("progress") is { ValueKind: JsonValueKind.Number } value ? value.GetDouble() : null;
}
