using Runnel.Sqlite.Files;
using Runnel.Sqlite.Tables;

namespace Runnel.Sqlite.Writing;

/// <summary>A worker settles a message. A claim lives as long as its process, so this is tried until it succeeds.</summary>
/// <remarks>In a store that closes there is nothing left to settle: everything was handed back.</remarks>
internal sealed class SettleWork(string channel, Claim claim, Func<StoreTransaction, string, Claim, bool> settle) : StoreWork<bool>
{
    public override bool Execute(StoreTransaction transaction)
    {
        Result = settle(transaction, channel, claim);
        return true;
    }

    public override bool TriesAgainAfter(Exception exception) => exception is SqliteFailure || base.TriesAgainAfter(exception);

    public override void Fail(Exception exception)
    {
        if (exception is not ObjectDisposedException)
        {
            base.Fail(exception);
            return;
        }
        Result = false;
        Complete();
    }
}
