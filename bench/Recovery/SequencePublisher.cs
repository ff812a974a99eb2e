using System.Diagnostics;

namespace Runnel.Bench;

/// <summary>Sends a sequence to a group, one message after the other, and writes down what was confirmed: it counts on nothing else.</summary>
internal sealed class SequencePublisher(IGroups groups, string group, long publisher, string folder) : IDisposable
{
    private readonly ConfirmedLog _log = new(ChaosFiles.ConfirmedOf(folder, (int)publisher));
    private readonly CancellationTokenSource _ending = new();
    private Task _sending = Task.CompletedTask;
    private long _number = publisher * Arrivals.NumbersPerPublisher;

    /// <summary>Sends so many a second, until it is told to end.</summary>
    public void Begin(int perSecond, int filling) => _sending = Task.Run(() => SendAsync(perSecond, filling > 0 ? new string('x', filling) : null));

    /// <summary>Sends so many at once, in their order.</summary>
    public async Task SendAsync(int count)
    {
        var numbers = Enumerable.Range(0, count).Select(_ => ++_number).ToList();
        await Task.WhenAll(numbers.Select(number => groups.SendJsonAsync(group, new SequenceMessage(number)).AsTask()));
        await Task.WhenAll(numbers.Select(_log.WriteAsync));
    }

    public async Task EndAsync()
    {
        await _ending.CancelAsync();
        await _sending;
    }

    public void Dispose()
    {
        _ending.Dispose();
        _log.Dispose();
    }

    private async Task SendAsync(int perSecond, string? filling)
    {
        var began = Stopwatch.GetTimestamp();
        for (var sent = 0; !_ending.IsCancellationRequested; sent++)
        {
            var early = (TimeSpan.FromSeconds(1) / perSecond * sent) - Stopwatch.GetElapsedTime(began);
            if (early > TimeSpan.Zero)
                await Task.Delay(early, TimeProvider.System, CancellationToken.None);
            var number = ++_number;
            try
            {
                await groups.SendJsonAsync(group, new SequenceMessage(number, filling));
                await _log.WriteAsync(number);
            }
            catch (Exception exception)
            {
                await Console.Error.WriteLineAsync($"not sent: {exception.Message}");
            }
        }
    }
}
