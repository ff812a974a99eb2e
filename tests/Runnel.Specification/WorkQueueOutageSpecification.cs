using Runnel.Layers;
using Xunit;

namespace Runnel.Specification;

/// <summary>What a work queue that keeps its messages on a server promises to those who send while the server says nothing.</summary>
public abstract class WorkQueueOutageSpecification
{
    // Short beside what a test waits for, and longer than a loaded machine takes to store the first message.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Where the messages go.</summary>
    protected static ChannelName Channel { get; } = "payments";

    /// <summary>Opens the queue of a process.</summary>
    /// <param name="patience">How long a sender waits for the server.</param>
    protected abstract ValueTask<WiredQueue> OpenAsync(TimeSpan patience);

    [Fact]
    public async Task Nobody_waits_for_the_server_for_longer_than_it_is_to_those_behind_the_first_included()
    {
        // Near the capacity, so that a layer has to ask. One after another they would wait for longer than the test does.
        var limits = new EnqueueOptions { Capacity = 50 };
        var process = await OpenAsync(Patience);
        await SendAsync(process, limits);
        process.Silence();

        var sending = Enumerable.Range(0, 40).Select(_ => SendAsync(process, limits)).ToList();

        await Wait.For(Task.WhenAll(sending.Select(static each => Assert.ThrowsAnyAsync<IOException>(() => each))), "the failures");
    }

    [Fact]
    public async Task What_the_caller_has_waited_for_the_server_already_counts()
    {
        var process = await OpenAsync(patience: TimeSpan.FromMinutes(10));
        await SendAsync(process, EnqueueOptions.Default);
        process.Silence();

        var late = SendAsync(process, new EnqueueOptions { AlreadyWaited = TimeSpan.FromMinutes(11) });

        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(late, "the failure"));
    }

    [Fact]
    public async Task A_sender_that_waits_for_room_is_not_told_that_the_channel_is_full_by_a_server_that_says_nothing()
    {
        var limits = new EnqueueOptions { Capacity = 1 };
        var process = await OpenAsync(Patience);
        await SendAsync(process, limits); // a busy server may take longer for the first message than the other one waits for room
        process.Silence();

        var waiting = SendAsync(process, limits with { WaitForRoom = TimeSpan.FromSeconds(0.3) });

        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(waiting, "the failure"));
    }

    [Fact]
    public async Task Nor_is_a_sender_who_waits_for_room_behind_another_one()
    {
        var limits = new EnqueueOptions { Capacity = 1 };
        var process = await OpenAsync(Patience);
        await SendAsync(process, limits);
        var first = SendAsync(process, limits with { WaitForRoom = TimeSpan.FromMinutes(10) });
        await Assert.ThrowsAsync<ChannelFullException>(() => Wait.For(SendAsync(process, limits), "the refusal")); // so the first one is in line
        process.Silence();

        var behind = SendAsync(process, limits with { WaitForRoom = TimeSpan.FromSeconds(0.3) });

        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(behind, "the failure"));
        await Assert.ThrowsAnyAsync<IOException>(() => Wait.For(first, "the failure of the first"));
    }

    private static Task<int> SendAsync(WiredQueue process, EnqueueOptions options) =>
        process.Queue.EnqueueAsync(Channel, [new Envelope(new Message("pay", default)) { Id = MessageId.New(TimeProvider.System) }], options).AsTask();
}
