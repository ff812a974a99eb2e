using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Authentication.Cookies;

namespace Articles;

/// <summary>Who may write: the admin, signed in with a cookie, and programs that know the key.</summary>
internal static class Access
{
    /// <summary>The policy of everything that writes.</summary>
    public const string Write = "write";

    /// <summary>The rate limit of attempts to sign in.</summary>
    public const string SignIn = "sign-in";

    private const string ApiKey = "ApiKey";

    public static void AddAccess(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton(Secrets.Read(builder.Configuration, builder.Environment));
        services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
            .AddCookie(options =>
            {
                options.LoginPath = "/admin/login";
                options.AccessDeniedPath = "/admin/login";
                options.ExpireTimeSpan = TimeSpan.FromHours(8);
                // No other site can make the browser write in the admin's name; the forms have their antiforgery token besides.
                options.Cookie.SameSite = SameSiteMode.Strict;
            })
            .AddScheme<ApiKeyOptions, ApiKeyHandler>(ApiKey, configureOptions: null);
        services.AddAuthorizationBuilder().AddPolicy(Write, policy => policy
            .AddAuthenticationSchemes(ApiKey, CookieAuthenticationDefaults.AuthenticationScheme)
            .RequireAuthenticatedUser());
        services.AddRateLimiter(options =>
        {
            options.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            options.AddPolicy(SignIn, LimitAttempts);
        });
    }

    /// <summary>Whether both are the same, in a time that does not tell how much of them is.</summary>
    public static bool Matches(string? given, string? secret) =>
        secret is not null && CryptographicOperations.FixedTimeEquals(Hash(given ?? ""), Hash(secret));

    public static ClaimsPrincipal Principal(string name, string scheme) => new(new ClaimsIdentity([new Claim(ClaimTypes.Name, name)], scheme));

    private static byte[] Hash(string value) => SHA256.HashData(Encoding.UTF8.GetBytes(value));

    private static RateLimitPartition<string> LimitAttempts(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
            return RateLimitPartition.GetNoLimiter("");
        return RateLimitPartition.GetFixedWindowLimiter(
            context.Connection.RemoteIpAddress?.ToString() ?? "",
            _ => new FixedWindowRateLimiterOptions { PermitLimit = 10, Window = TimeSpan.FromMinutes(1) });
    }
}
