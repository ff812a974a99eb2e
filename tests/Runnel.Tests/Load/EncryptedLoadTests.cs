using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Runnel.Cli.Load;
using Runnel.Cli.Sockets;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Load;

public sealed class EncryptedLoadTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_certificate_that_nobody_vouches_for_is_refused_unless_it_may_be_insecure(bool isInsecure)
    {
        using var certificate = TransportTests.CreateCertificate();
        await using var app = await RunnelApp.StartAsync(static app => app.MapConsumer<TransportTests.Member>("/ws"), listen: listen => listen.UseHttps(certificate));
        var settings = new LoadSettings
        {
            Target = Target.Parse($"wss://{app.Address.Authority}/ws"),
            Connections = 2,
            Ramp = TimeSpan.Zero,
            Duration = TimeSpan.FromMilliseconds(100),
            Rate = 50,
            IsEcho = true,
            IsInsecure = isInsecure,
            Timeout = Wait.Limit,
        };

        var summary = await Wait.For(new LoadRun(settings, null, TimeProvider.System).RunAsync(static _ => { }, CancellationToken.None), "the load test");

        Assert.Equal(isInsecure, summary.Verdict.IsGood);
        Assert.Equal(isInsecure ? (5, 0) : (0, 2), (summary.Verdict.Arrived, summary.Errors.Where(error => (error.Kind, error.Detail) == (FaultKind.Unreachable, "tls")).Sum(error => error.Count)));
    }
}
