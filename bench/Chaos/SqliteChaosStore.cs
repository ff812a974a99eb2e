namespace Runnel.Bench;

/// <summary>A file, read through a connection of its own.</summary>
internal sealed class SqliteChaosStore(string file) : ChaosStore($"sqlite:{file}", Directory.CreateDirectory(file + ".ledger").FullName)
{
    private readonly Lazy<ClaimLedger> _claims = new(() => new ClaimLedger(file)); // the first process makes the file

    public override TimeSpan LongestHandover => TimeSpan.FromSeconds(1);

    public override Task<long> CountMessagesAsync(CancellationToken cancellationToken) => Task.FromResult(_claims.Value.Messages);

    public override Task<long> CountHeldAsync(int processId, CancellationToken cancellationToken) => Task.FromResult(_claims.Value.HeldBy(processId));

    // As long as a process is there, what it holds is its own, whether it moves or not.
    public override Task<long> CountLostByStandingStillAsync(int processId, CancellationToken cancellationToken) => Task.FromResult(0L);

    public override Task<long> CountHeldByAllAsync(CancellationToken cancellationToken) => throw new InvalidOperationException("A file has no server.");

    public override Task<bool> HasForgottenTheDeadAsync(int living, CancellationToken cancellationToken) => Task.FromResult(_claims.Value.Nodes <= living);

    public override Task AuditLeftAsync(ChaosVerdict verdict, CancellationToken cancellationToken)
    {
        var left = _claims.Value.RowsLeft();
        verdict.AtMost("rows left, all tables", left.Values.Sum(), 0);
        foreach (var (table, rows) in left.Where(entry => entry.Value > 0))
            Console.Error.WriteLine($"left: {rows} rows of {table}");
        verdict.AtMost("files left beside the database", Directory.EnumerateFiles(file + ".bell").Count(static left => Path.GetFileName(left) != "high.mark"), 0); // the note stays
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        if (_claims.IsValueCreated)
            _claims.Value.Dispose();
        return ValueTask.CompletedTask;
    }
}
