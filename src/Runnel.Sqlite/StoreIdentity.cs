using Runnel.Sqlite.Files;

namespace Runnel.Sqlite;

/// <summary>What tells a file from any other: a random number in it.</summary>
/// <remarks>
/// Nothing of the machine is part of it. Containers that share a file have names of their own, and some even boot ids, and a healthy process must not stop because of that.
/// The price is small: a copy of a file has the identity of its original.
/// </remarks>
internal sealed class StoreIdentity(SqliteStore store)
{
    public async Task<string> ReadAsync(CancellationToken cancellationToken)
    {
        var number = await store.RunAsync(static transaction =>
        {
            transaction.Database.Execute(SqliteStatements.MakeIdentity);
            return transaction.Database.ReadNumber(SqliteStatements.ReadIdentity);
        }).WaitAsync(cancellationToken).ConfigureAwait(false);
        return $"sqlite/{number:x16}";
    }
}
