using System.Security.Claims;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Progress;

/// <summary>Who asks. There is no sign-in: the page gives each browser a cookie, and what it starts is that visitor's alone.</summary>
/// <remarks>Programs without the cookie are nobody, and share what is nobody's. In your application, use the signed-in user's id.</remarks>
internal static partial class Visitor
{
    private const string Cookie = "progress-visitor";

    /// <summary>Makes out the visitor of each request, and gives the page's a cookie.</summary>
    public static void UseVisitors(this WebApplication app) => app.Use((context, next) =>
    {
        var id = context.Request.Cookies[Cookie];
        if (!IsVisitor(id) && context.Request.Path.Value is "/" or "/index.html")
        {
            id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));
            context.Response.Cookies.Append(Cookie, id, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = context.Request.IsHttps, MaxAge = TimeSpan.FromDays(365) });
        }
        if (IsVisitor(id))
            context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, id!)], "visitor"));
        return next(context);
    });

    /// <summary>The visitor's id; <see langword="null"/> for nobody.</summary>
    public static string? Of(ClaimsPrincipal user) => user.FindFirstValue(ClaimTypes.NameIdentifier);

    private static bool IsVisitor(string? id) => id is not null && Rule().IsMatch(id);

    [GeneratedRegex(@"\A[0-9a-f]{24}\z")]
    private static partial Regex Rule();
}
