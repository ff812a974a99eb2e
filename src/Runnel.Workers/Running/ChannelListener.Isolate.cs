using Runnel.Layers;

namespace Runnel.Workers.Running;

/// <summary>Runs alone what a worker has died with: it may be what killed the worker.</summary>
/// <remarks>
/// A worker that dies costs everything it holds a crash. So nothing waits beside a suspect, nothing else begins on its channel, and no other
/// suspect begins on any channel of this worker. What runs already goes on, and so do the other channels: that costs their messages one crash,
/// and from then on they are suspects themselves.
/// </remarks>
internal sealed partial class ChannelListener
{
    // What kills a worker does so soon. A long job that lost its worker for another reason does not keep its channel to itself.
    private static readonly TimeSpan HeadStart = TimeSpan.FromSeconds(5);

    // Longer than layers take to settle, unless they are away. Then the channel goes on all the same.
    private static readonly TimeSpan LongestGiveBack = TimeSpan.FromSeconds(10);

    private volatile Suspect? _suspect;

    private bool HasSuspect(IReadOnlyList<ReceivedMessage> messages)
    {
        for (var i = 0; i < messages.Count; i++)
        {
            if (runner.IsSuspect(messages[i]))
                return true;
        }
        return false;
    }

    // What waits for its turn is not held meanwhile: it would die with the suspect whose turn it is.
    private async Task IsolateAsync(IReadOnlyList<ReceivedMessage> messages, CancellationToken stopping)
    {
        var isItsTurn = suspects.Wait(0, CancellationToken.None);
        try
        {
            var suspect = await SetApartAsync(messages, isItsTurn, stopping);
            if (suspect is not null)
                await RunAloneAsync(suspect, stopping);
        }
        finally
        {
            if (isItsTurn)
                suspects.Release();
        }
        if (isItsTurn)
            return;
        await suspects.WaitAsync(stopping);
        suspects.Release();
    }

    // Gives back all but one suspect, and waits until the layer has them: what kills within a millisecond would be faster.
    private async Task<Suspect?> SetApartAsync(IReadOnlyList<ReceivedMessage> messages, bool isItsTurn, CancellationToken stopping)
    {
        Suspect? suspect = null;
        List<JobContext> others;
        var now = timeProvider.GetTimestamp();
        lock (_lock)
        {
            foreach (var message in messages)
            {
                var job = runner.Take(message, now);
                if (suspect is null && isItsTurn && _running < concurrency && runner.IsSuspect(message))
                    suspect = new Suspect(job);
                else
                    _taken.Enqueue(job);
            }
            others = TakeBack();
        }
        await GiveBack(others).WaitAsync(LongestGiveBack, timeProvider, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return suspect;
    }

    // If the worker stops now, no runner takes it, and it is handed back with the rest.
    private async Task RunAloneAsync(Suspect suspect, CancellationToken stopping)
    {
        _suspect = suspect;
        lock (_lock)
        {
            _taken.Enqueue(suspect.Job);
            StartRunners(stopping);
        }
        await suspect.Settled.WaitAsync(HeadStart, timeProvider, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    // Until it is settled, it would have another crash if the next suspect killed the worker.
    private void AfterSuspect(JobContext job, Task settling)
    {
        if (_suspect is { } suspect && suspect.Job == job)
            settling.ContinueWith(static (_, state) => ((Suspect)state!).SetSettled(), suspect, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private sealed class Suspect(JobContext job)
    {
        private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public JobContext Job { get; } = job;

        public Task Settled => _settled.Task;

        public void SetSettled() => _settled.TrySetResult();
    }
}
