using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Runnel.Tests.Guides;

// <adopted-consumer>
public sealed class GuessingConsumer : WebSocketConsumer
{
    public override Task OnAdoptAsync(CancellationToken cancellationToken) => Task.CompletedTask; // what it needs is kept

    public override async Task OnReceiveAsync(string text, CancellationToken cancellationToken)
    {
        var guesses = Connection.GetKept<int>() + 1;
        Connection.Keep(guesses);
        await SendAsync($"Guess {guesses}: {text}", cancellationToken);
    }
}
// </adopted-consumer>

public static class Handing
{
    public static void Configure(WebApplicationBuilder builder)
    {
        // <forward-headers>
        builder.Services.Configure<HandoverOptions>(handover => handover.ForwardHeaders.Add("Cookie"));
        // </forward-headers>

        // <handover-options>
        builder.Services.Configure<HandoverOptions>(handover =>
        {
            handover.HandshakeTimeout = TimeSpan.FromSeconds(5);
            handover.AdoptionTimeout = TimeSpan.FromMinutes(1);
        });
        // </handover-options>
    }
}
