using Microsoft.AspNetCore.Http;

namespace Runnel.AspNetCore.Admission;

/// <summary>Which pages may open a socket (RFC 6455 §10.2): the browser's same-origin rule does not hold for WebSockets, so the server must.</summary>
internal static class OriginPolicy
{
    private const string AnySubdomain = "://*.";

    public static bool IsAllowed(HttpRequest request, IList<string> allowed)
    {
        var header = request.Headers.Origin;
        if (header.Count == 0)
            return true; // no browser: every browser says where the page comes from
        if (allowed.Contains("*"))
            return true;
        if (header.Count > 1 || !Uri.TryCreate(header[0], UriKind.Absolute, out var origin) || origin.Host.Length == 0)
            return false;
        return IsSameHost(origin, request.Host) || allowed.Any(pattern => Fits(origin, pattern));
    }

    /// <summary>Checks a pattern once, at start-up.</summary>
    /// <exception cref="ArgumentException">It is not an origin.</exception>
    public static void Check(string pattern)
    {
        if (pattern != "*" && (!Uri.TryCreate(pattern.Replace(AnySubdomain, "://any.", StringComparison.Ordinal), UriKind.Absolute, out var uri) || uri.PathAndQuery != "/"))
            throw new ArgumentException($"'{pattern}' is not an origin: write https://shop.example, https://*.shop.example (any subdomain), with :port where it is not the usual one, or *.");
    }

    // The scheme is not compared: behind a proxy that ends TLS, this server sees http where the page has https.
    private static bool IsSameHost(Uri origin, HostString host)
    {
        if (origin.Scheme is not ("http" or "https"))
            return false;
        if (!string.Equals(origin.IdnHost, host.Host.Trim('[', ']'), StringComparison.OrdinalIgnoreCase)
            && !string.Equals(origin.Host, host.Host, StringComparison.OrdinalIgnoreCase))
            return false;
        return host.Port is { } port ? origin.Port == port : origin.IsDefaultPort;
    }

    private static bool Fits(Uri origin, string pattern)
    {
        if (!pattern.Contains(AnySubdomain, StringComparison.Ordinal))
            return Uri.Compare(origin, new Uri(pattern), UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;
        var parent = new Uri(pattern.Replace(AnySubdomain, "://", StringComparison.Ordinal));
        return origin.Scheme == parent.Scheme && origin.Port == parent.Port
            && origin.Host.EndsWith("." + parent.Host, StringComparison.OrdinalIgnoreCase);
    }
}
