using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Articles;

internal sealed class ApiKeyOptions : AuthenticationSchemeOptions;

/// <summary>Authenticates programs by the header <c>X-Api-Key</c>.</summary>
internal sealed class ApiKeyHandler(IOptionsMonitor<ApiKeyOptions> options, ILoggerFactory logger, UrlEncoder encoder, Secrets secrets)
    : AuthenticationHandler<ApiKeyOptions>(options, logger, encoder)
{
    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (!Request.Headers.TryGetValue("X-Api-Key", out var key))
            return Task.FromResult(AuthenticateResult.NoResult());
        if (!Access.Matches(key, secrets.ApiKey))
            return Task.FromResult(AuthenticateResult.Fail("The API key is wrong."));
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(Access.Principal("api", Scheme.Name), Scheme.Name)));
    }
}
