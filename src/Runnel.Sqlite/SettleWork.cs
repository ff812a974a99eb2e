namespace Runnel.Sqlite;

/// <summary>A worker settles a message. In a store that closes there is nothing left to settle: everything was handed back.</summary>
internal sealed class SettleWork(string channel, Claim claim, Func<StoreTransaction, string, Claim, bool> settle) : StoreWork<bool>
{
    public override bool Execute(StoreTransaction transaction)
    {
        Result = settle(transaction, channel, claim);
        return true;
    }

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
