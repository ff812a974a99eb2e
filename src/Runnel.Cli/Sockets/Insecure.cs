using System.Net.Security;

namespace Runnel.Cli.Sockets;

/// <summary>What <c>--insecure</c> means: a server under test may have a certificate that nobody vouches for.</summary>
internal static class Insecure
{
    /// <param name="host">The host whose certificate it should be; none where the caller fills it in.</param>
    /// <param name="isInsecure">Whether any certificate will do.</param>
    public static SslClientAuthenticationOptions OptionsFor(string? host, bool isInsecure) => new()
    {
        TargetHost = host,
#pragma warning disable CA5359 // the user asks for it
        RemoteCertificateValidationCallback = isInsecure ? static (_, _, _, _) => true : null,
#pragma warning restore CA5359
    };
}
