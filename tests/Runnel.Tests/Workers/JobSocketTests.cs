using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Runnel.AspNetCore.Admission;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>For how long a job is followed for a client, and what the client is told when that is not possible any more.</summary>
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

    [Fact]
    public async Task Events_that_cannot_be_followed_any_more_are_cut_so_that_the_client_comes_back()
    {
        using var log = new RecordedLog();
        var heard = new TaskCompletionSource();
        var jobs = new FailingJobs(new BackplaneUnavailableException("The layer is away."), heard.Task);
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask, services: services => services.AddSingleton<ILoggerProvider>(log).AddSingleton<IJobs>(jobs));
        using var response = await app.GetAsync($"/jobs/{MessageId.New(TimeProvider.System)}/events");
        await using var events = await response.Content.ReadAsStreamAsync();
        heard.SetResult(); // a cut takes along what the client has not read yet, and that would be the answer itself

        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(events.CopyToAsync(Stream.Null), "the cut")); // and not the end, which says that the job has ended

        Assert.Single(log.Of(2007));
    }

    [Theory]
    [InlineData("socket")]
    [InlineData("events")]
    public async Task A_job_is_followed_for_as_long_as_its_client_is_there(string how)
    {
        var jobs = new EndlessJobs();
        await using var app = await JobsApp.StartAsync((_, _) => Task.CompletedTask, services: services => services.AddSingleton<IJobs>(jobs));
        var path = $"/jobs/{MessageId.New(TimeProvider.System)}/{how}";
        if (how == "socket")
        {
            using var socket = await app.OpenSocketAsync(path);
            await Wait.For(socket.ReceiveAsync(new byte[4096], CancellationToken.None), "the state");
            socket.Abort();
        }
        else
        {
            using var response = await app.GetAsync(path);
            await using var events = await response.Content.ReadAsStreamAsync();
            await Wait.For(events.ReadExactlyAsync(new byte[1]).AsTask(), "the state");
        }

        await Wait.For(jobs.Ended.Task, "the following to end");
        await Wait.Until(() => !app.Services.GetRequiredService<Drain>().Streams.Any(), "no stream is left");
    }

    private sealed class EndlessJobs : IJobs
    {
        public TaskCompletionSource Ended { get; } = new();

        public ValueTask<JobStatus?> FindAsync(MessageId id, CancellationToken cancellationToken = default) => new(Running(id));

        public async IAsyncEnumerable<JobStatus> WatchAsync(MessageId id, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            try
            {
                yield return Running(id);
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            }
            finally
            {
                Ended.SetResult();
            }
        }

        public ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default) => new(false);
    }

    private static JobStatus Running(MessageId id) =>
        new() { Id = id.ToString(), Channel = "payments", State = JobState.Running, CreatedAt = DateTimeOffset.UnixEpoch, UpdatedAt = DateTimeOffset.UnixEpoch };

    private sealed class FailingJobs(Exception failure, Task? heard = null) : IJobs
    {
        public ValueTask<JobStatus?> FindAsync(MessageId id, CancellationToken cancellationToken = default) =>
            new(Running(id));

        public async IAsyncEnumerable<JobStatus> WatchAsync(MessageId id, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            yield return (await FindAsync(id, cancellationToken))!;
            await (heard ?? Task.CompletedTask);
            throw failure;
        }

        public ValueTask<bool> CancelAsync(ChannelName channel, MessageId id, CancellationToken cancellationToken = default) => new(false);
    }
}
