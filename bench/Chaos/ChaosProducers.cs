using System.Globalization;

namespace Runnel.Bench;

/// <summary>The producer of a run, and the one that follows it when it is killed. It sends as many messages as it is granted.</summary>
internal sealed class ChaosProducers : IAsyncDisposable
{
    private readonly string _address;
    private readonly string _folder;
    private readonly int _messages;
    private readonly SemaphoreSlim _asking = new(1);
    private ChildProcess _producer;
    private int _started;
    private int _granted;
    private long _failed;

    public ChaosProducers(string address, string folder, int messages)
    {
        (_address, _folder, _messages) = (address, folder, messages);
        _producer = Start();
    }

    public async Task GrantAsync(int count, CancellationToken cancellationToken)
    {
        await AskAsync(cancellationToken, "grant", count);
        Interlocked.Add(ref _granted, count);
    }

    /// <summary>Grants so many messages a second, until it is disposed.</summary>
    public GrantedPace Pace(int perSecond) => new(this, perSecond);

    /// <summary>The last message that it has begun to send.</summary>
    public async Task<long> LastNumberAsync(CancellationToken cancellationToken) => (await LookAsync(cancellationToken)).LastNumber;

    /// <summary>Kills it, and starts another in its place.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        _failed += (await LookAsync(cancellationToken)).Failed;
        await _producer.KillAsync();
        await _producer.DisposeAsync();
        // What was granted and not confirmed yet is granted anew: it may have been stored all the same.
        _granted = ChaosFiles.ReadConfirmed(_folder).Count;
        _producer = Start();
    }

    /// <summary>Grants what remains, and waits until all messages are confirmed.</summary>
    /// <returns>How often a message could not be sent.</returns>
    public async Task<long> FinishAsync(CancellationToken cancellationToken)
    {
        if (_granted < _messages)
            await GrantAsync(_messages - _granted, cancellationToken);
        await ChaosRun.WaitUntilAsync(
            () => Task.FromResult(ChaosFiles.ReadConfirmed(_folder).Count >= Math.Max(_messages, _granted)), "the producer to have everything confirmed", cancellationToken);
        return _failed + (await LookAsync(cancellationToken)).Failed;
    }

    public async ValueTask DisposeAsync()
    {
        await _producer.DisposeAsync();
        _asking.Dispose();
    }

    private Task<ProducerFigures> LookAsync(CancellationToken cancellationToken) => AskAsync(cancellationToken, "look");

    // One question at a time.
    private async Task<ProducerFigures> AskAsync(CancellationToken cancellationToken, params object[] words)
    {
        await _asking.WaitAsync(cancellationToken);
        try
        {
            return await _producer.AskAsync<ProducerFigures>(cancellationToken, words);
        }
        finally
        {
            _asking.Release();
        }
    }

    private ChildProcess Start() =>
        ChildProcess.StartSmall("chaos-producer", _address, _folder, (++_started).ToString(CultureInfo.InvariantCulture));
}
