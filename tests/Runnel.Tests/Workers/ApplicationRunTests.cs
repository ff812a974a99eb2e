using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.AspNetCore.Commands;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>Which end of an application is a bad one. How it is told to people is in <see cref="CommandTests"/>.</summary>
public sealed class ApplicationRunTests
{
    [Fact]
    public async Task An_application_whose_services_are_disposed_of_as_it_stops_has_ended_well()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRunnelCore();
        await using var app = builder.Build();
        using var host = new DisposingHost(app);

        var ended = await Record.ExceptionAsync(() => Wait.For(ApplicationRun.RunAsync(app.Services, host, CancellationToken.None), "the application to end"));

        Assert.Null(ended);
    }

    /// <summary>What a test's factory makes of an application: it stops and disposes of the application while that waits for its end.</summary>
    private sealed class DisposingHost(WebApplication app) : IHost
    {
        public IServiceProvider Services => app.Services;

        public Task StartAsync(CancellationToken cancellationToken = default)
        {
            app.Lifetime.StopApplication();
            return Task.CompletedTask;
        }

        public async Task StopAsync(CancellationToken cancellationToken = default) => await app.DisposeAsync();

        public void Dispose()
        {
            // The application has done so.
        }
    }
}
