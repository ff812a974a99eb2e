using System.Text.Json;

namespace Payments;

/// <summary>The gateway's book: one line of JSON per charge, on disk before anybody hears of it; never two for one order.</summary>
/// <remarks>Processes share the file and take turns by its lock, which the operating system ends with a process. A line that a crash cut off was never told to anybody, and goes.</remarks>
internal sealed class Ledger(DataFolder folder, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);
    private readonly string _path = folder.PathOf("ledger.jsonl");
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Dictionary<string, LedgerEntry> _known = [];
    private long _read;

    /// <summary>Charges an order, unless it is charged already.</summary>
    /// <returns>The charge: the one there is, or the one there is now.</returns>
    public Task<LedgerEntry> ChargeAsync(string orderId, decimal total, CancellationToken cancellationToken) =>
        InTurnAsync(file => _known.GetValueOrDefault(orderId) ?? Append(file, new($"txn-{Guid.NewGuid():N}", orderId, total, clock.GetUtcNow())), cancellationToken);

    /// <summary>The charge of an order; <see langword="null"/> when there is none.</summary>
    public Task<LedgerEntry?> FindAsync(string orderId, CancellationToken cancellationToken) =>
        InTurnAsync(_ => _known.GetValueOrDefault(orderId), cancellationToken);

    public void Dispose() => _turn.Dispose();

    private async Task<T> InTurnAsync<T>(Func<FileStream, T> act, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            using var file = await OpenAsync(cancellationToken);
            ReadOn(file);
            return act(file);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<FileStream> OpenAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return new FileStream(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(_path))
            {
                await Task.Delay(Pause, clock, cancellationToken); // another process has its turn, for a moment
            }
        }
    }

    private void ReadOn(FileStream file)
    {
        var bytes = new byte[file.Length - _read];
        file.Position = _read;
        file.ReadExactly(bytes);
        var whole = bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
        foreach (var line in bytes.AsSpan(0, whole).Split((byte)'\n'))
        {
            if (JsonSerializer.Deserialize<LedgerEntry>(bytes.AsSpan(line) is { Length: > 0 } json ? json : "null"u8, JsonSerializerOptions.Web) is { } charge)
                _known[charge.OrderId] = charge;
        }
        _read += whole;
        file.SetLength(_read);
    }

    private LedgerEntry Append(FileStream file, LedgerEntry charge)
    {
        file.Position = _read;
        file.Write([.. JsonSerializer.SerializeToUtf8Bytes(charge, JsonSerializerOptions.Web), (byte)'\n']);
        file.Flush(flushToDisk: true);
        _read = file.Position;
        return _known[charge.OrderId] = charge;
    }
}

/// <summary>A charge.</summary>
internal sealed record LedgerEntry(string TransactionId, string OrderId, decimal Total, DateTimeOffset At);
