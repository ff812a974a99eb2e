using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Layers;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What the clients of a job are told, and who is told anything.</summary>
public sealed class JobPrivacyTests
{
    private const string Secret = "Host=db.internal;Password=hunter2";

    [Fact]
    public async Task A_job_with_an_owner_is_its_owner_s_and_one_without_is_everybody_s_who_knows_its_id()
    {
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask);
        var ofAlice = await app.SendAsync(new SendOptions { Owner = "alice" });
        var ofNobody = await app.SendAsync();

        foreach (var rest in new[] { "", "/events" })
        {
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, ofAlice + rest, "alice"));
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(app, ofAlice + rest, "bob"));
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(app, ofAlice + rest, user: null));
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, ofNobody + rest, user: null));
        }
    }

    [Fact]
    public async Task A_job_that_is_sent_on_with_another_job_s_headers_is_its_new_owner_s()
    {
        var headers = new Inbox<IReadOnlyDictionary<string, string>>();
        await using var app = await JobsApp.StartAsync((_, job) =>
        {
            headers.Add(job.Headers);
            return Task.CompletedTask;
        });
        await app.SendAsync(new SendOptions { Owner = "alice" });

        var sentOn = await app.Services.GetRequiredService<IChannels>().SendAsync(
            "payments", new Message("pay", """{"order":"1"}"""u8.ToArray(), await headers.NextAsync()), new SendOptions { Owner = "bob" });

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, $"{sentOn.Id}", "bob"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(app, $"{sentOn.Id}", "alice"));
    }

    [Theory]
    [InlineData("GET", "")]
    [InlineData("GET", "/events")]
    [InlineData("GET", "/socket")]
    [InlineData("DELETE", "")]
    public async Task What_is_required_of_jobs_is_required_on_every_way_to_them(string method, string rest)
    {
        await using var app = await JobsApp.StartAsync(
            (_, _) => Task.CompletedTask,
            services: services => services.AddAuthorization().AddAuthentication().AddBearerToken(),
            endpoints: endpoints => endpoints.RequireAuthorization());
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"/jobs/{await app.SendAsync()}{rest}", UriKind.Relative));

        using var response = await app.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task The_application_decides_by_a_job_s_owner_and_tags_who_may_see_it()
    {
        await using var app = await JobsApp.StartAsync(
            (_, _) => Task.CompletedTask, jobs => jobs.MaySee = (context, job) => new(job is { Owner: "alice", Tags: ["tenant:7", "an, odd \"tag\""] } && context.Request.Headers["X-User"] == "support"));
        var tagged = await app.SendAsync(new SendOptions { Owner = "alice", Tags = ["tenant:7", "an, odd \"tag\""] });
        var plain = await app.SendAsync(new SendOptions { Owner = "alice" });

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, $"{tagged}", "support"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(app, $"{tagged}", "alice"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(app, $"{plain}", "support"));
    }

    [Theory]
    [InlineData("Production", "The attempt failed; the log of its worker says why.")]
    [InlineData("Development", "InvalidOperationException: " + Secret)]
    public async Task What_an_exception_says_is_shown_in_development_only(string environment, string shown)
    {
        await using var app = await JobsApp.StartAsync((_, _) => throw new InvalidOperationException(Secret), environment: environment);
        var id = await app.SendAsync();

        var ended = await app.EndAsync(id);
        var job = await app.Http.GetFromJsonAsync<JsonElement>($"/jobs/{id}");
        var events = await app.Http.GetStringAsync(new Uri($"/jobs/{id}/events", UriKind.Relative));

        Assert.Equal(shown, job.GetProperty("error").GetString());
        Assert.Contains(shown, events, StringComparison.Ordinal);
        Assert.Equal("InvalidOperationException: " + Secret, ended.ErrorDetail);
    }

    [Fact]
    public async Task What_a_consumer_says_on_purpose_is_shown()
    {
        await using var app = await JobsApp.StartAsync((_, _) => throw new DeadLetterException("The card has expired."));

        var ended = await app.EndAsync(await app.SendAsync());

        Assert.Equal(("The card has expired.", "The card has expired."), (ended.Error, ended.ErrorDetail));
    }

    [Theory]
    [InlineData("Production", "The attempt failed; the log of its worker says why.")]
    [InlineData("Development", "No consumer of channel 'payments' handles messages of type 'unheard-of' here; it has consumers for: pay.")]
    public async Task Which_types_a_worker_knows_is_shown_in_development_only(string environment, string shown)
    {
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask, environment: environment);

        var sent = await app.Services.GetRequiredService<IChannels>().SendAsync("payments", new Message("unheard-of", "{}"u8.ToArray()));
        var ended = await app.EndAsync(sent.Id);

        Assert.Equal(shown, ended.Error);
        Assert.EndsWith("it has consumers for: pay.", ended.ErrorDetail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task That_a_job_took_too_long_is_shown()
    {
        var began = new Inbox<int>();
        await using var app = await JobsApp.StartAsync(
            async (_, job) =>
            {
                began.Add(job.Attempt);
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, job.CancellationToken);
            },
            channel: channel => channel.Timeout = TimeSpan.FromSeconds(10));
        var id = await app.SendAsync();
        await began.NextAsync();

        app.Clock.Advance(TimeSpan.FromSeconds(10));
        var ended = await app.EndAsync(id);

        Assert.Equal("It took longer than 00:00:10.", ended.Error);
    }

    [Fact]
    public async Task The_members_of_a_job_s_group_get_neither_owner_nor_tags_nor_what_exceptions_say()
    {
        await using var app = await JobsApp.StartAsync((_, _) => throw new InvalidOperationException(Secret));
        var id = await app.SendAsync(new SendOptions { Owner = "alice", Tags = ["tenant:7"] });
        await app.EndAsync(id);

        var history = await app.Services.GetRequiredService<IBackplane>().ReadHistoryAsync(Topic.OfGroup(JobStatus.GroupOf(id)), Position.None, 10);
        var frame = Encoding.UTF8.GetString(EnvelopeFormat.Decode(Assert.Single(history.Messages).Payload).Message.Body.Span);

        Assert.Contains("\"state\":\"dead\"", frame, StringComparison.Ordinal);
        Assert.All(["alice", "tenant:7", "hunter2"], secret => Assert.DoesNotContain(secret, frame, StringComparison.Ordinal));
    }

    private static async Task<HttpStatusCode> StatusAsync(JobsApp app, string path, string? user)
    {
        using var response = user is null ? await app.GetAsync("/jobs/" + path) : await app.GetAsync("/jobs/" + path, ("X-User", user));
        return response.StatusCode;
    }
}
