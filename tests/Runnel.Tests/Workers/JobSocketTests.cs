using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What the client of a job's socket is told when the job cannot be followed any more.</summary>
public sealed class JobSocketTests
{
    [Theory]
    [InlineData("of groups is away", CloseCode.TryAgainLater)]
    [InlineData("for work is away", CloseCode.TryAgainLater)]
    [InlineData("has a fault", CloseCode.InternalError)]
    public async Task A_client_comes_back_after_an_outage_and_stays_away_from_a_fault(string layer, int code)
    {
        Exception failure = layer switch
        {
            "of groups is away" => new BackplaneUnavailableException("The layer is away."),
            "for work is away" => new IOException("The layer is away."),
            _ => new InvalidOperationException("A fault."),
        };
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask, services: services => services.AddSingleton<IJobs>(new FailingJobs(failure)));
        using var socket = await app.OpenSocketAsync($"/jobs/{MessageId.New(TimeProvider.System)}/socket");

        var state = await Wait.For(socket.ReceiveAsync(new byte[4096], CancellationToken.None), "the state");
        var close = await Wait.For(socket.ReceiveAsync(new byte[4096], CancellationToken.None), "the close");

        Assert.Equal(WebSocketMessageType.Text, state.MessageType);
        Assert.Equal(code, (int?)close.CloseStatus);
    }

    private sealed class FailingJobs(Exception failure) : IJobs
    {
        public ValueTask<JobStatus?> FindAsync(MessageId id, CancellationToken cancellationToken = default) =>
            new(new JobStatus { Id = id.ToString(), Channel = "payments", State = JobState.Running, CreatedAt = DateTimeOffset.UnixEpoch, UpdatedAt = DateTimeOffset.UnixEpoch });

        public async IAsyncEnumerable<JobStatus> WatchAsync(MessageId id, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            yield return (await FindAsync(id, cancellationToken))!;
            throw failure;
        }

        public ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default) => new(false);
    }
}
