using Runnel.Layers;
using Runnel.RabbitMQ;
using Runnel.Specification;
using Runnel.Tests.Processes;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>Workers in processes of their own (tests/Runnel.TestWorker) that stand still in one way or another, beside a worker that would take over what they hold.</summary>
public sealed class RabbitMQProcessTests(SharedRabbitServer server) : IAsyncLifetime
{
    // A worker is silent for longer than this is dead: its heartbeat is one second.
    private const int LongerThanTwoHeartbeats = 4;
    private static readonly ChannelName Channel = "work";

    private RabbitPlace _place = null!;
    private RabbitMQWorkQueue _queue = null!;

    public async ValueTask InitializeAsync()
    {
        _place = await RabbitPlace.CreateAsync(server);
        _queue = new RabbitMQWorkQueue(_place.Open());
    }

    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync();
        await _place.DisposeAsync();
    }

    [Fact]
    public async Task A_worker_whose_threads_are_all_busy_keeps_what_it_holds()
    {
        await using var busy = await StartAsync(busyFor: LongerThanTwoHeartbeats);
        await using var other = await _queue.OpenReceiverAsync(new ReceiverOptions());
        var taking = other.ReceiveAsync(Channel, 1).AsTask();

        await busy.SaysAsync("over");
        var later = await SendAsync();
        var taken = Assert.Single(await Wait.For(taking, "the message that was sent later"));
        await busy.WriteAsync("");

        Assert.Equal(later, taken.Id);
        await busy.SaysAsync("completed True");
    }

    [Fact]
    public async Task A_worker_that_was_stopped_and_goes_on_settles_nothing_and_another_one_has_its_message()
    {
        await using var stopped = await StartAsync(busyFor: 0);
        await stopped.SaysAsync("over");
        await stopped.StopAsync();
        await using var other = await _queue.OpenReceiverAsync(new ReceiverOptions());

        var taken = Assert.Single(await Wait.For(other.ReceiveAsync(Channel, 1).AsTask(), "the message of the worker that stands still"));
        await stopped.ContinueAsync();
        await stopped.WriteAsync("");

        await stopped.SaysAsync("completed False");
        Assert.Equal(1, taken.Envelope.Crashes);
        Assert.True(await other.CompleteAsync(taken));
    }

    // With a message in its hands.
    private async Task<ChildProcess> StartAsync(int busyFor)
    {
        await SendAsync();
        var process = ChildProcess.Start("Runnel.TestWorker.dll", ["keep", _place.Host.Address, $"{Channel}", $"{busyFor}"]);
        await process.SaysAsync("held");
        return process;
    }

    private async Task<MessageId> SendAsync()
    {
        var message = new Envelope(new Message("do", default)) { Id = MessageId.New(TimeProvider.System) };
        await _queue.EnqueueAsync(Channel, [message], EnqueueOptions.Default);
        return message.Id;
    }
}
