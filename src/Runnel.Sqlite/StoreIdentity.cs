using Runnel.Sqlite.Files;

namespace Runnel.Sqlite;

/// <summary>What tells a file from any other: a random number in it, and the machine, for somebody may copy the file to another one.</summary>
internal sealed class StoreIdentity(SqliteStore store)
{
    public async Task<string> ReadAsync(CancellationToken cancellationToken)
    {
        var number = await store.RunAsync(static transaction =>
        {
            transaction.Database.Execute(SqliteStatements.MakeIdentity);
            return transaction.Database.ReadNumber(SqliteStatements.ReadIdentity);
        }).WaitAsync(cancellationToken).ConfigureAwait(false);
        return $"sqlite/{number:x16}@{Environment.MachineName}";
    }
}
