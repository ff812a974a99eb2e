using System.Globalization;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Progress;

/// <summary>A backend service as one meets them: it takes work, gives a ticket, and has to be asked how far it is. Simulated.</summary>
/// <remarks>The ticket says when the work began and how long it takes, so the service remembers nothing and forgets nothing.</remarks>
internal static class Backend
{
    public static void MapBackend(this IEndpointRouteBuilder app)
    {
        var work = app.MapGroup("/backend/work");
        work.MapPost("/", (PolledTaskInput input, TimeProvider clock) =>
            TypedResults.Ok(new BackendTicket(string.Create(CultureInfo.InvariantCulture, $"{clock.GetUtcNow().ToUnixTimeMilliseconds()}-{input.Seconds * 1000:0}"))));
        work.MapGet("/{began:long}-{milliseconds:long:min(1)}", (long began, long milliseconds, TimeProvider clock) =>
            TypedResults.Ok(new BackendProgress(Math.Clamp((clock.GetUtcNow().ToUnixTimeMilliseconds() - began) / (double)milliseconds, 0, 1))));
    }

    /// <summary>Where this process serves the service: <c>Backend</c> in the configuration, else its own first address.</summary>
    /// <remarks>Never the request's Host header: a client must not choose whom the worker calls.</remarks>
    public static Uri AddressOf(IConfiguration configuration, IServer server)
    {
        if (configuration["Backend"] is { Length: > 0 } configured)
            return new Uri(configured);
        var own = server.Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new Uri(own.Replace("//+", "//localhost", StringComparison.Ordinal).Replace("//*", "//localhost", StringComparison.Ordinal)
            .Replace("//0.0.0.0", "//127.0.0.1", StringComparison.Ordinal).Replace("//[::]", "//[::1]", StringComparison.Ordinal));
    }
}

/// <summary>What the service answers when it takes work.</summary>
internal sealed record BackendTicket(string Ticket);

/// <summary>How far the service is, from 0 to 1.</summary>
internal sealed record BackendProgress(double Done);

/// <summary>Talks to the backend service.</summary>
internal sealed class BackendClient(HttpClient http)
{
    public async Task<string> StartAsync(Uri backend, double seconds, CancellationToken cancellationToken)
    {
        using var response = await http.PostAsJsonAsync(new Uri(backend, "/backend/work"), new PolledTaskInput(seconds), cancellationToken);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<BackendTicket>(cancellationToken))!.Ticket;
    }

    public async Task<double> ProgressAsync(Uri backend, string ticket, CancellationToken cancellationToken) =>
        (await http.GetFromJsonAsync<BackendProgress>(new Uri(backend, $"/backend/work/{ticket}"), cancellationToken))!.Done;
}
