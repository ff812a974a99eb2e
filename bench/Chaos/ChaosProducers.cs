using System.Globalization;

namespace Runnel.Bench;

/// <summary>The producer of a run, and the one that follows it when it is killed. It sends as many messages as it is granted.</summary>
internal sealed class ChaosProducers : IAsyncDisposable
{
    private readonly string _address;
    private readonly string _folder;
    private readonly int _messages;
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
        await _producer.AskAsync<ProducerFigures>(cancellationToken, "grant", count);
        _granted += count;
    }

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
        await GrantAsync(Math.Max(0, _messages - _granted), cancellationToken);
        await ChaosRun.WaitUntilAsync(
            () => Task.FromResult(ChaosFiles.ReadConfirmed(_folder).Count >= Math.Max(_messages, _granted)), "the producer to have everything confirmed", cancellationToken);
        return _failed + (await LookAsync(cancellationToken)).Failed;
    }

    public ValueTask DisposeAsync() => _producer.DisposeAsync();

    private Task<ProducerFigures> LookAsync(CancellationToken cancellationToken) => _producer.AskAsync<ProducerFigures>(cancellationToken, "look");

    private ChildProcess Start() =>
        ChildProcess.StartSmall("chaos-producer", _address, _folder, (++_started).ToString(CultureInfo.InvariantCulture));
}
