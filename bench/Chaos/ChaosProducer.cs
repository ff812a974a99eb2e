using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;

namespace Runnel.Bench;

/// <summary>The child that sends: <c>chaos-producer ADDRESS FOLDER NUMBER</c>. It writes down what was confirmed to it, and counts on nothing else.</summary>
/// <remarks>
/// Half of the messages have a key; each key belongs to one caller, which awaits every send, so that the order sent is known. One in ten
/// is delayed, and one in fifty fails the first time.
/// </remarks>
internal sealed class ChaosProducer : IDisposable
{
    public const int CallerCount = 32;

    private const long NumbersPerProducer = 1_000_000_000;
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMilliseconds(50);

    private readonly IChannels _channels;
    private readonly ConfirmedLog _log;
    private readonly SemaphoreSlim _granted = new(0);
    private readonly int _producer;
    private long _lastNumber;
    private long _failed;

    private ChaosProducer(IChannels channels, string folder, int producer)
    {
        _channels = channels;
        _producer = producer;
        _lastNumber = producer * NumbersPerProducer;
        _log = new ConfirmedLog(ChaosFiles.ConfirmedOf(folder, producer));
    }

    public static Command CreateCommand()
    {
        var (address, folder, producer) = (new Argument<string>("address"), new Argument<string>("folder"), new Argument<int>("producer"));
        var command = new Command("chaos-producer", "Started by chaos.") { address, folder, producer };
        command.Hidden = true;
        command.SetAction((result, cancellationToken) =>
            RunAsync(result.GetRequiredValue(address), result.GetRequiredValue(folder), result.GetValue(producer), cancellationToken));
        return command;
    }

    public void Dispose()
    {
        _granted.Dispose();
        _log.Dispose();
    }

    private static async Task RunAsync(string address, string folder, int number, CancellationToken cancellationToken)
    {
        using var host = ChaosHost.Create(address, works: false);
        await host.StartAsync(cancellationToken);
        using var producer = new ChaosProducer(host.Services.GetRequiredService<IChannels>(), folder, number);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var sending = Task.WhenAll(Enumerable.Range(0, CallerCount).Select(caller => Task.Run(() => producer.SendAsync(caller, ending.Token), ending.Token)));

        await ControlLoop.RunAsync(
            async (verb, words) =>
            {
                if (sending.IsFaulted)
                    await sending;
                if (verb == "grant")
                    producer._granted.Release(int.Parse(words[0], CultureInfo.InvariantCulture));
                return new ProducerFigures(Interlocked.Read(ref producer._lastNumber), Interlocked.Read(ref producer._failed));
            },
            cancellationToken);

        await ending.CancelAsync();
        await sending.ContinueWith(static _ => { }, TaskScheduler.Default);
        await host.StopAsync(CancellationToken.None);
    }

    private async Task SendAsync(int caller, CancellationToken cancellationToken)
    {
        var (random, sequence) = (new Random(caller), 0L);
        while (true)
        {
            await _granted.WaitAsync(cancellationToken);
            while (!await TrySendAsync(caller, ++sequence, random))
                await Task.Delay(AfterFailure, TimeProvider.System, cancellationToken);
        }
    }

    /// <returns>Whether it was confirmed. If not, it may have been stored all the same, and another one is sent.</returns>
    private async Task<bool> TrySendAsync(int caller, long sequence, Random random)
    {
        var number = Interlocked.Increment(ref _lastNumber);
        var key = random.Next(2) == 0 ? string.Create(CultureInfo.InvariantCulture, $"{_producer}.{caller}") : null;
        var due = key is null && random.Next(5) == 0 ? TimeProvider.System.GetUtcNow() + TimeSpan.FromMilliseconds(random.Next(500)) : default(DateTimeOffset?);
        var message = new ChaosMessage(number, key, key is null ? 0 : sequence, due?.UtcTicks ?? 0, Fails: random.Next(50) == 0);
        try
        {
            await _channels.SendAsync(ChaosHost.Channel, message, new SendOptions { Key = key, NotBefore = due }, CancellationToken.None);
        }
        catch (Exception exception)
        {
            Interlocked.Increment(ref _failed);
            await Console.Error.WriteLineAsync($"not sent: {exception.Message}");
            return false;
        }
        await _log.WriteAsync(number);
        return true;
    }
}
