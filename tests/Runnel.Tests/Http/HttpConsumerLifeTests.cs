using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Runnel.AspNetCore;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Http;

/// <summary>From the making of an HTTP consumer to its end, and what its class says of who may ask it.</summary>
public sealed class HttpConsumerLifeTests
{
    [Theory]
    [InlineData("", HttpStatusCode.OK)]
    [InlineData("?fails", HttpStatusCode.InternalServerError)]
    public async Task A_consumer_and_its_scope_live_as_long_as_the_request(string query, HttpStatusCode status)
    {
        await using var app = await RunnelApp.StartInMemoryAsync(static app =>
        {
            app.MapHttpConsumer<Mortal>("/at-once");
            app.MapHttpConsumer<MortalAsynchronously>("/asynchronously");
        });
        using var client = app.Server.CreateClient();

        foreach (var (path, how) in new[] { ("/at-once", "disposed"), ("/asynchronously", "disposed asynchronously") })
        {
            using var response = await client.GetAsync(new Uri(path + query, UriKind.Relative));

            Assert.Equal(status, response.StatusCode);
            foreach (var entry in new[] { "asked", how, "scope disposed" })
                Assert.Equal(entry, await app.Journal.NextAsync());
        }
        Assert.Equal(0, app.Journal.Unread);
    }

    [Fact]
    public async Task A_consumer_that_does_as_it_was_told_when_its_client_is_gone_has_not_failed()
    {
        await using var app = await RunnelApp.StartInMemoryAsync(static app =>
        {
            app.Use(async (context, next) =>
            {
                await next(context);
                context.RequestServices.GetRequiredService<Journal>().Write("over");
            });
            app.MapHttpConsumer<Endless>("/");
        });
        using var client = app.Server.CreateClient();
        using var leaving = new CancellationTokenSource();
        var asking = client.GetAsync(new Uri("/", UriKind.Relative), leaving.Token);
        Assert.Equal("asked", await app.Journal.NextAsync());

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);

        Assert.Equal("over", await app.Journal.NextAsync());
        Assert.Empty(app.Logs.AtLeast(LogLevel.Warning));
    }

    [Fact]
    public async Task Its_own_timeout_takes_the_place_of_the_servers()
    {
        var timeout = new RequestTimeout();
        await using var app = await RunnelApp.StartInMemoryAsync(static app => app.MapHttpConsumer<Mortal>("/"), builder => builder.Services.AddSingleton<IStartupFilter>(timeout));
        using var client = app.Server.CreateClient();

        using var response = await client.GetAsync(new Uri("/", UriKind.Relative));

        Assert.True(timeout.IsDisabled);
    }

    [Fact]
    public async Task Limits_that_are_out_of_their_ranges_are_refused_when_it_is_mapped()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRunnel();
        await using var app = builder.Build();

        Assert.Throws<ValidationException>(() => app.MapHttpConsumer<Guarded>("/a", static options => options.MaxBodyBytes = -1));
        Assert.Throws<ValidationException>(() => app.MapHttpConsumer<Guarded>("/b", static options => options.Timeout = TimeSpan.Zero));
    }

    [Fact]
    public async Task The_attributes_of_its_class_count_for_its_endpoint()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRunnel();
        await using var app = builder.Build();

        app.MapHttpConsumer<Guarded>("/guarded");

        var endpoint = Assert.Single(((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints));
        Assert.Equal("managers", endpoint.Metadata.GetMetadata<IAuthorizeData>()?.Policy);
    }

    internal abstract class Asked(Journal journal, ScopedThing thing) : HttpConsumer
    {
        protected Journal Journal => journal;

        public override Task OnRequestAsync(HttpConsumerRequest request, HttpConsumerResponse response, CancellationToken cancellationToken)
        {
            journal.Write("asked");
            return request.Scope.Query("fails") is null ? Task.CompletedTask : throw new InvalidOperationException($"{thing} is there, as told");
        }
    }

    internal sealed class Mortal(Journal journal, ScopedThing thing) : Asked(journal, thing), IDisposable
    {
        public void Dispose() => Journal.Write("disposed");
    }

    internal sealed class MortalAsynchronously(Journal journal, ScopedThing thing) : Asked(journal, thing), IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            Journal.Write("disposed asynchronously");
            return ValueTask.CompletedTask;
        }
    }

    internal sealed class Endless(Journal journal) : HttpConsumer
    {
        public override Task OnRequestAsync(HttpConsumerRequest request, HttpConsumerResponse response, CancellationToken cancellationToken)
        {
            journal.Write("asked");
            return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        }
    }

    [Authorize("managers")]
    internal sealed class Guarded : HttpConsumer
    {
        public override Task OnRequestAsync(HttpConsumerRequest request, HttpConsumerResponse response, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
