using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Runnel.AspNetCore.Commands;

/// <summary>Runs an application's services without its web server: what <c>runworker</c> is.</summary>
/// <remarks>
/// A web application's own host cannot leave its server out, and a worker must not take the port of the gateway beside it. So a second host, without a web
/// server, runs the application's services; it has the application's lifetime, options and log.
/// </remarks>
internal static class WorkerHost
{
    /// <inheritdoc cref="ApplicationRun.RunAsync"/>
    public static async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        using var host = Create(services, services.GetServices<IHostedService>().Where(service => !NeedsServer(service.GetType())));
        await ApplicationRun.RunAsync(services, host, cancellationToken);
    }

    private static IHost Create(IServiceProvider services, IEnumerable<IHostedService> hosted)
    {
        var builder = Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Services.AddSingleton(services.GetRequiredService<IHostApplicationLifetime>());
        builder.Services.AddSingleton(services.GetRequiredService<IHostLifetime>());
        builder.Services.AddSingleton(services.GetRequiredService<IOptions<HostOptions>>());
        builder.Services.AddSingleton(services.GetRequiredService<ILoggerFactory>());
        foreach (var service in hosted)
            builder.Services.AddSingleton(service);
        return builder.Build();
    }

    // The web host's own service, and whatever else has no work without a server.
    private static bool NeedsServer(Type service) =>
        service.GetConstructors().Any(constructor => constructor.GetParameters().Any(parameter => parameter.ParameterType == typeof(IServer)));
}
