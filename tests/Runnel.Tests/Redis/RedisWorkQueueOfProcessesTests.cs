using Runnel.Layers;
using Runnel.Redis;
using Runnel.Redis.Receiving;
using Runnel.Specification;
using Runnel.Tests.Servers;
using Xunit;

namespace Runnel.Tests.Redis;

/// <summary>Every worker with connections of its own, and the server's clock: a worker dies by being silent for as long as its lease.</summary>
/// <remarks>
/// Only the promises that processes can break between them, or the server's clock: who holds and who waits, wake-ups, leases. All else is one script on the
/// server, whoever calls it, and runs in <see cref="RedisWorkQueueTests"/>.
/// </remarks>
public sealed class RedisWorkQueueOfProcessesTests(RedisServer server) : WorkQueueProcessesSpecification, IClassFixture<RedisServer>
{
    private readonly RedisPlace _place = new(server);
    private readonly List<RedisWorkQueue> _processes = [];

    protected override SpecificationClock Clock { get; } = new RealClock(TimeSpan.FromMilliseconds(400));

    protected override ReceiverOptions LeaseOptions { get; } = new() { LeaseDuration = TimeSpan.FromMilliseconds(600) };

    protected override ValueTask<OpenedQueue> OpenAsync()
    {
        var queue = OpenProcess();
        return new(new OpenedQueue(new QueueOfProcesses(queue, OpenReceiverAsync), queue));
    }

    protected override async Task CrashAsync(IWorkReceiver lease)
    {
        var worker = ((RedisWorkReceiver)lease).Term;
        var process = _processes.Single(process => process.Heart.Holds(worker));
        process.Heart.Remove(worker);
        process.Heart.Beat(); // when this returns, none is under way that has the worker in it still
        foreach (var channel in worker.Channels)
        {
            await Wait.Until(
                async () =>
                {
                    await _processes[0].Sweeper.SweepAllAsync(new LeasesEnded(0, _place.Probe.Time()));
                    return _place.Probe.Ask("ZSCORE", channel.Keys.Workers, worker.WorkerId) is null;
                },
                "the others noticed the death");
        }
        // It was only asleep: when its heart goes on, it learns what has become of its messages.
        process.Heart.Add(worker);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var process in _processes)
            await process.DisposeAsync();
        await _place.DisposeAsync();
    }

    private ValueTask<IWorkReceiver> OpenReceiverAsync(ReceiverOptions options, CancellationToken cancellationToken) =>
        OpenProcess().OpenReceiverAsync(options with { LeaseDuration = LeaseOptions.LeaseDuration }, cancellationToken);

    private RedisWorkQueue OpenProcess()
    {
        var queue = new RedisWorkQueue(_place.Open());
        _processes.Add(queue);
        return queue;
    }
}
