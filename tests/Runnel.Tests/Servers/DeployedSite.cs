using System.Text.RegularExpressions;
using Runnel.Tests.House;

namespace Runnel.Tests.Servers;

/// <summary>The site of <c>deploy/nginx</c>, with a test's own addresses in it.</summary>
internal static partial class DeployedSite
{
    /// <summary>A site that is in the folder <c>deploy</c>, with what it includes.</summary>
    public static string Read(string path) =>
        File.ReadAllText(Repository.PathTo(path)).Replace("/etc/nginx/runnel-proxy.conf", Repository.PathTo("deploy/nginx/runnel-proxy.conf"), StringComparison.Ordinal);

    /// <summary>The site for a port and for gateways, without TLS.</summary>
    public static string Of(int port, IEnumerable<Uri> gateways)
    {
        var servers = string.Join('\n', gateways.Select(gateway => $"server {gateway.Authority} max_fails=0;"));
        var site = Servers().Replace(Read("deploy/nginx/runnel.conf"), servers, 1);
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
