using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Cli;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Samples;

public sealed class PaymentsTests : IDisposable
{
    private readonly SampleFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_order_is_charged_settled_and_paid_once_however_often_it_is_asked_for()
    {
        await using var app = await ServeAsync();
        using var page = await app.OpenSocketAsync("/ws/orders/order-1");
        // The gateway waits for its book, so that the order is not charged before the page follows it: an open socket is not yet in its group.
        await using var book = new FileStream(Path.Combine(_folder.Path, "ledger.jsonl"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);

        using var accepted = await PayAsync(app, "order-1", "ok");
        using var again = await PayAsync(app, "order-1", "ok");
        using var otherwise = await PayAsync(app, "order-1", "flaky-1");
        var states = new List<string>();
        while (states.LastOrDefault() != "charging")
            states.Add(StateOf(await page.ReadAsync()));
        await book.DisposeAsync();
        while (states.LastOrDefault() != "paid")
            states.Add(StateOf(await page.ReadAsync()));

        Assert.Equal([HttpStatusCode.Accepted, HttpStatusCode.Accepted, HttpStatusCode.Conflict], [accepted.StatusCode, again.StatusCode, otherwise.StatusCode]);
        Assert.Contains("charging", states);
        Assert.Contains("settling", states);
        var order = await OrderAsync(app, "order-1");
        Assert.Equal(["id", "state", "transactionId", "attempts", "error"], order.EnumerateObject().Select(field => field.Name));
        Assert.Equal(1, order.GetProperty("attempts").GetInt32());
        AssertChargedOnce("order-1");
        using var repaired = await app.Client.PutAsJsonAsync("/api/orders/order-1", new { nonce = "ok" });
        Assert.Equal(HttpStatusCode.Conflict, repaired.StatusCode);
    }

    [Fact]
    public async Task A_flaky_gateway_is_asked_again_and_a_declined_payment_is_not()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, "ledger.jsonl"), $$"""{"transactionId":"{{new string('0', 200)}}"""); // a line that a crash cut off
        await using var app = await ServeAsync();

        using var flaky = await PayAsync(app, "flaky", "flaky-2");
        using var declined = await PayAsync(app, "declined", "declined");
        await UntilAsync(app, "flaky", "paid");
        await UntilAsync(app, "declined", "declined");

        Assert.Equal(3, (await OrderAsync(app, "flaky")).GetProperty("attempts").GetInt32());
        Assert.Equal(1, (await OrderAsync(app, "declined")).GetProperty("attempts").GetInt32());
        AssertChargedOnce("flaky");

        using var otherCard = await PayAsync(app, "declined", "ok");
        await UntilAsync(app, "declined", "paid");
        AssertChargedOnce("flaky", "declined");
    }

    [Fact]
    public async Task A_poison_order_is_put_aside_repaired_replayed_and_paid()
    {
        await using var app = await ServeAsync();
        using var accepted = await PayAsync(app, "poison", "poison");
        await UntilAsync(app, "poison", "dead");
        Assert.Contains("chokes", (await OrderAsync(app, "poison")).GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Empty(Ledger());

        using var repaired = await app.Client.PutAsJsonAsync("/api/orders/poison", new { nonce = "ok" });
        Assert.Equal("dead", StateOf(await repaired.Content.ReadFromJsonAsync<JsonElement>()));
        await OperateAsync(queue =>
            Wait.Until(async () => (await queue.ListDeadLettersAsync("payments", DeadLetterFilter.All, 10)).Count == 1, "the dead letter is there"));
        var replay = await RunnelTool.RunAsync("dead-letters", "replay", "payments", "--all", "--layer", _folder.Layer);
        Assert.True(replay.ExitCode == 0, replay.Error);

        await UntilAsync(app, "poison", "paid");
        AssertChargedOnce("poison");
    }

    [Fact]
    public async Task A_letter_that_is_replayed_when_its_order_was_paid_otherwise_does_nothing()
    {
        await using var app = await ServeAsync();
        using var poisoned = await PayAsync(app, "poison", "poison");
        await UntilAsync(app, "poison", "dead");
        using var otherwise = await PayAsync(app, "poison", "ok");
        await UntilAsync(app, "poison", "paid");
        var paid = (await OrderAsync(app, "poison")).GetRawText();

        await OperateAsync(async queue =>
        {
            await Wait.Until(async () => await queue.ReplayAsync("payments", DeadLetterFilter.All) == 1, "the letter is replayed");
            await Wait.Until(async () => (await queue.ListChannelsAsync()).All(channel => channel.Channel.Value != "payments"), "its message is handled");
        });

        Assert.Equal(paid, (await OrderAsync(app, "poison")).GetRawText());
        AssertChargedOnce("poison");
    }

    [Fact]
    public async Task An_order_whose_message_is_gone_is_found_and_paid()
    {
        await using var web = await SampleProcess.ServeAsync("Payments", _folder, 0, "runserver", "--noworker");
        using var accepted = await PayAsync(web, "forgotten", "ok");
        await OperateAsync(queue => queue.FlushAsync().AsTask());
        Assert.Equal("pending", StateOf(await OrderAsync(web, "forgotten")));

        await using var worker = await SampleProcess.WorkAsync("Payments", _folder);

        await UntilAsync(web, "forgotten", "paid");
        AssertChargedOnce("forgotten");
    }

    [Fact]
    public async Task Another_card_for_a_declined_order_is_not_taken_for_the_first_one()
    {
        await using var web = await SampleProcess.ServeAsync("Payments", _folder, 0, "runserver", "--noworker");
        using var declined = await PayAsync(web, "order-1", "declined");
        await using var worker = await SampleProcess.WorkAsync("Payments", _folder);
        await UntilAsync(web, "order-1", "declined");
        await worker.TerminateAsync();

        using var otherCard = await PayAsync(web, "order-1", "ok");

        await OperateAsync(async queue => Assert.Equal(1, (await queue.ListChannelsAsync()).Single(channel => channel.Channel.Value == "payments").Ready));
    }

    [Fact]
    public async Task Every_order_is_charged_exactly_once_though_workers_die_in_the_middle()
    {
        await using var web = await SampleProcess.ServeAsync("Payments", _folder, 0, "runserver", "--noworker");
        string[] orders = [.. Enumerable.Range(1, 30).Select(number => $"order-{number}")];
        foreach (var (index, order) in orders.Index())
            (await PayAsync(web, order, index % 3 == 0 ? "flaky-1" : "ok")).Dispose();

        await using var follower = await SampleProcess.WorkAsync("Payments", _folder, "--only-channels", "payment-status");
        for (var deaths = 1; deaths <= 3; deaths++)
        {
            await using var worker = await SampleProcess.WorkAsync("Payments", _folder, "--exclude-channels", "payment-status", "--threads", "4");
            await Wait.Until(async () => await ChargedAsync(web) >= deaths * 4, "some orders are charged");
            await worker.KillAsync();
        }
        await using var last = await SampleProcess.WorkAsync("Payments", _folder, "--exclude-channels", "payment-status");

        foreach (var order in orders)
            await UntilAsync(web, order, "paid");
        AssertChargedOnce(orders);
        Assert.Equal(0, await follower.TerminateAsync());
    }

    [Fact]
    public async Task Orders_outlive_the_death_of_the_one_process_that_does_everything()
    {
        var data = Path.Combine(_folder.Path, "books");
        var first = await SampleProcess.ServeAsync("Payments", _folder, LoopbackPort.Free(), $"--data={data}"); // a port that nobody takes while it is down
        for (var number = 1; number <= 5; number++)
            (await PayAsync(first, $"order-{number}", "flaky-1")).Dispose();

        await first.KillAsync();
        await using var second = await SampleProcess.ServeAsync("Payments", _folder, first.Address.Port, $"--data={data}");
        await first.DisposeAsync();

        for (var number = 1; number <= 5; number++)
            await UntilAsync(second, $"order-{number}", "paid");
        Assert.Equal(5, File.ReadAllLines(Path.Combine(data, "ledger.jsonl")).Length);
        Assert.False(File.Exists(Path.Combine(_folder.Path, "orders.db")));
    }

    [Fact]
    public async Task An_order_is_its_visitor_s_and_nobody_else_s()
    {
        await using var app = await ServeAsync();
        var (mine, myCookie) = await app.VisitAsync();
        var (yours, yourCookie) = await app.VisitAsync("/index.html");
        using var first = mine;
        using var second = yours;
        using var early = await app.OpenSocketAsync("/ws/orders/secret", yourCookie); // before there is such an order
        using var all = await app.OpenSocketAsync("/ws/orders", yourCookie);
        Assert.Equal(0, (await all.ReadAsync()).GetProperty("data").GetArrayLength()); // read now: from here on it is in its group

        using var paid = await mine.PostAsJsonAsync("/api/orders/secret/pay", new { nonce = "declined", total = 5 });
        await Wait.Until(async () => StateOf(await mine.GetFromJsonAsync<JsonElement>("/api/orders/secret")) == "declined", "the order is declined");
        using var late = await app.OpenSocketAsync("/ws/orders/secret", yourCookie);
        using var read = await yours.GetAsync("/api/orders/secret");
        using var repaired = await yours.PutAsJsonAsync("/api/orders/secret", new { nonce = "ok" });
        using var again = await yours.PostAsJsonAsync("/api/orders/secret/pay", new { nonce = "ok", total = 5 });
        var list = await yours.GetStringAsync("/api/orders");
        using var own = await yours.PostAsJsonAsync("/api/orders/own/pay", new { nonce = "ok", total = 5 });
        using var mySocket = await app.OpenSocketAsync("/ws/orders/secret", myCookie);

        Assert.Equal(HttpStatusCode.Accepted, paid.StatusCode);
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound, HttpStatusCode.Conflict, "[]"), (read.StatusCode, repaired.StatusCode, again.StatusCode, list));
        Assert.DoesNotContain("declined", await again.Content.ReadAsStringAsync(), StringComparison.OrdinalIgnoreCase);
        Assert.Equal("own", (await all.ReadAsync()).GetProperty("id").GetString());
        Assert.Equal("declined", StateOf(await mySocket.ReadAsync()));
        Assert.False(early.HasFrame || late.HasFrame);
    }

    [Fact]
    public async Task What_cannot_be_paid_is_refused_with_what_is_wrong_with_it()
    {
        await using var app = await ServeAsync();
        (string Path, string Json)[] wrong =
        [
            ("order-1", """{"total":5}"""), ("order-1", """{"nonce":"","total":5}"""), ("order-1", """{"nonce":"ok","total":0}"""), ("order-1", """{"nonce":"ok","total":"much"}"""),
            ("order-1", "{"), ("order%201", """{"nonce":"ok","total":5}"""), (new string('x', 65), """{"nonce":"ok","total":5}"""),
        ];

        foreach (var (id, json) in wrong)
        {
            using var response = await app.Client.PostAsync($"/api/orders/{id}/pay", new StringContent(json, Encoding.UTF8, "application/json"));
            Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{id} {json}: {response.StatusCode}");
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        }
        using var unknown = await app.Client.GetAsync("/api/orders/unknown");

        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        Assert.Equal("[]", await app.Client.GetStringAsync("/api/orders"));
    }

    private Task<SampleProcess> ServeAsync() => SampleProcess.ServeAsync("Payments", _folder);

    private static Task<HttpResponseMessage> PayAsync(SampleProcess app, string id, string nonce) =>
        app.Client.PostAsJsonAsync($"/api/orders/{id}/pay", new { nonce, total = 25.5 });

    private static Task<JsonElement> OrderAsync(SampleProcess app, string id) => app.Client.GetFromJsonAsync<JsonElement>($"/api/orders/{id}");

    private static Task UntilAsync(SampleProcess app, string id, string state) =>
        Wait.Until(async () => StateOf(await OrderAsync(app, id)) == state, $"order {id} is {state}");

    private static string StateOf(JsonElement order) => order.GetProperty("state").GetString()!;

    private static async Task<int> ChargedAsync(SampleProcess app) =>
        (await app.Client.GetFromJsonAsync<JsonElement>("/api/orders")).EnumerateArray().Count(order => order.GetProperty("transactionId").ValueKind == JsonValueKind.String);

    /// <summary>What an operator does, from a process of their own.</summary>
    private async Task OperateAsync(Func<IWorkQueueOperator, Task> act)
    {
        await using var layer = LayerAddress.FactoryOf(_folder.Layer).Create(_folder.Layer, TimeProvider.System, NullLoggerFactory.Instance);
        await layer.OpenAsync();
        await act(layer.Operator!);
    }

    private void AssertChargedOnce(params string[] orders) => Assert.Equal(orders.Order(), Ledger().Order());

    /// <summary>The orders that were charged, one for each charge; to be read when all are settled, because the book's reader has a turn of its own.</summary>
    private List<string> Ledger()
    {
        var path = Path.Combine(_folder.Path, "ledger.jsonl");
        if (!File.Exists(path))
            return [];
        return [.. File.ReadLines(path).Select(line => JsonElement.Parse(line).GetProperty("orderId").GetString()!)];
    }
}
