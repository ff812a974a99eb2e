using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Samples;

/// <summary>What each sample shows of itself: to a browser, to an orchestrator, and to nobody outside.</summary>
public sealed class SampleDoorsTests : IDisposable
{
    private readonly SampleFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("Progress")]
    [InlineData("Payments")]
    public async Task A_page_lets_nothing_else_run_in_it_and_the_sample_says_that_it_is_well(string sample)
    {
        await using var app = await SampleProcess.ServeAsync(sample, _folder);

        using var page = await app.Client.GetAsync("/");
        using var ready = await app.Client.GetAsync("/health/ready");
        using var alive = await app.Client.GetAsync("/health/live");

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK), (page.StatusCode, ready.StatusCode, alive.StatusCode));
        Assert.Equal("default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", page.Headers.GetValues("Content-Security-Policy").Single());
        Assert.Equal("nosniff", page.Headers.GetValues("X-Content-Type-Options").Single());
    }

    [Theory]
    [InlineData("Progress")]
    [InlineData("Payments")]
    public async Task A_visitors_cookie_is_strict_out_of_the_reach_of_scripts_and_given_once(string sample)
    {
        await using var app = await SampleProcess.ServeAsync(sample, _folder);

        using var first = await app.Client.GetAsync("/");
        var cookie = first.Headers.GetValues("Set-Cookie").Single();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Add("Cookie", cookie.Split(';')[0]);
        using var again = await app.Client.SendAsync(request);
        using var call = await app.Client.GetAsync(sample == "Progress" ? "/api/tasks" : "/api/orders");

        Assert.Contains("; samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("; httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("; max-age=31536000", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Equal((false, false), (again.Headers.Contains("Set-Cookie"), call.Headers.Contains("Set-Cookie"))); // a program is nobody
    }

    [Theory]
    [InlineData(true, HttpStatusCode.OK)]
    [InlineData(false, HttpStatusCode.NotFound)]
    public async Task How_full_the_channels_are_is_told_at_a_port_of_its_own_only(bool isThatPort, HttpStatusCode status)
    {
        var port = LoopbackPort.Free();
        await using var app = await SampleProcess.ServeAsync("Progress", _folder, port, $"--MetricsPort={(isThatPort ? port : port + 1)}");

        using var answer = await app.Client.GetAsync("/metrics/channels");

        Assert.Equal(status, answer.StatusCode);
    }

    [Fact]
    public async Task A_visitors_orders_are_listed_newest_first()
    {
        await using var web = await SampleProcess.ServeAsync("Payments", _folder, 0, "runserver", "--noworker");
        foreach (var id in new[] { "first", "second", "third" })
            (await web.Client.PostAsJsonAsync($"/api/orders/{id}/pay", new { nonce = "ok", total = 5 })).Dispose();

        var orders = await web.Client.GetFromJsonAsync<JsonElement>("/api/orders");

        Assert.Equal(["third", "second", "first"], orders.EnumerateArray().Select(order => order.GetProperty("id").GetString()));
    }
}
