using System.Diagnostics;
using System.Globalization;
using System.Reflection;

namespace Runnel.Bench;

/// <summary>MassTransit on the same broker: messages sent to a receive endpoint with a quorum queue.</summary>
internal sealed class MassTransitPeer(RabbitQueueStore store) : IQueuePeer
{
    public const string Name = "MassTransit";

    public string Description { get; } = string.Create(
        CultureInfo.InvariantCulture,
        $"MassTransit {VersionOf(typeof(MassTransit.IBus))} on RabbitMQ.Client {VersionOf(typeof(global::RabbitMQ.Client.IConnection))}: quorum queue, persistent messages, confirms, prefetch {MassTransitHost.Prefetch}, {MassTransitHost.Concurrency} messages at a time");

    public QueueSizes Sizes { get; } = new(OneCaller: 1_000, ManyCallers: 15_000, Bulk: 15_000, Process: 20_000, Keys: 0, BareManyCallers: 0);

    public Task<Cost> EnqueueAsync(int callers, int messages, CancellationToken cancellationToken) =>
        SendingAsync(host => Cost.OfAsync(messages, store, () => Callers.RunAsync(callers, messages, _ => host.SendAsync(BenchWork.Create()))), cancellationToken);

    public Task<Cost> EnqueueBulkAsync(int messages, CancellationToken cancellationToken) =>
        SendingAsync(host => Cost.OfAsync(messages, store, () => host.SendManyAsync(messages)), cancellationToken);

    public Task<Cost> ProcessAsync(int messages, CancellationToken cancellationToken) => InPlaceAsync(
        async place =>
        {
            await using (var sender = MassTransitHost.Create(place, handler: null))
            {
                await sender.StartAsync(cancellationToken);
                await sender.SendManyAsync(messages);
            }
            var handled = new Countdown(messages);
            await using var worker = MassTransitHost.Create(place, _ => handled.Signal());
            return await Cost.OfAsync(messages, store, async () =>
            {
                await worker.StartAsync(cancellationToken);
                await handled.WaitAsync(cancellationToken);
                await worker.StopAsync();
            });
        },
        cancellationToken);

    public Task<Lateness> StartAsync(int messages, CancellationToken cancellationToken) => InPlaceAsync(
        async place =>
        {
            var (handled, figures) = (new Countdown(messages), new LatenessRecorder());
            await using var host = MassTransitHost.Create(place, work =>
            {
                figures.Record(Stopwatch.GetElapsedTime(work.At));
                return handled.Signal();
            });
            await host.StartAsync(cancellationToken);
            await Latencies.EachMillisecondAsync(messages, () => host.SendAsync(BenchWork.Create(Stopwatch.GetTimestamp())), cancellationToken);
            await handled.WaitAsync(cancellationToken);
            return figures.Result;
        },
        cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Task<Cost> SendingAsync(Func<MassTransitHost, Task<Cost>> act, CancellationToken cancellationToken) => InPlaceAsync(
        async place =>
        {
            await using var host = MassTransitHost.Create(place, handler: null);
            await host.StartAsync(cancellationToken);
            return await act(host);
        },
        cancellationToken);

    private async Task<T> InPlaceAsync<T>(Func<RabbitPlace, Task<T>> act, CancellationToken cancellationToken)
    {
        var place = await store.NewPlaceAsync(cancellationToken);
        await MassTransitHost.DeclareAsync(place, cancellationToken);
        var result = await act(place);
        await MassTransitHost.DeleteAsync(place);
        return result;
    }

    // Behind the + is the commit.
    private static string? VersionOf(Type type) => type.Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
}
