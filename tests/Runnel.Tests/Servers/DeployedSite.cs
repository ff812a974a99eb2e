using System.Text.RegularExpressions;
using Runnel.Tests.House;

namespace Runnel.Tests.Servers;

/// <summary>The site of <c>deploy/nginx/runnel.conf</c>, with a test's own addresses in it, and without TLS.</summary>
internal static partial class DeployedSite
{
    public static string File => System.IO.File.ReadAllText(Repository.PathTo("deploy/nginx/runnel.conf"));

    /// <summary>The site for a port and for gateways.</summary>
    public static string Of(int port, IEnumerable<Uri> gateways)
    {
        var servers = string.Join('\n', gateways.Select(gateway => $"server {gateway.Authority} max_fails=0;"));
        var site = Servers().Replace(File, servers, 1);
        site = Redirect().Replace(site, "");
        site = Listen().Replace(site, $"listen 127.0.0.1:{port};");
        return Certificate().Replace(site, "");
    }

    [GeneratedRegex(@"(?:^\s*server 127\.0\.0\.1:\d+ max_fails=0;\n)+", RegexOptions.Multiline)]
    private static partial Regex Servers();

    [GeneratedRegex(@"^server \{\s+listen 80;.*?^\}", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Redirect();

    [GeneratedRegex(@"listen 443 ssl http2;")]
    private static partial Regex Listen();

    [GeneratedRegex(@"^\s*ssl_certificate(?:_key)?\s.*$", RegexOptions.Multiline)]
    private static partial Regex Certificate();
}
