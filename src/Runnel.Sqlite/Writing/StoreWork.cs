using Runnel.Sqlite.Files;
using Runnel.Sqlite.Tables;

namespace Runnel.Sqlite.Writing;

/// <summary>Something that the writer does inside its next transaction, and somebody awaits.</summary>
internal abstract class StoreWork
{
    /// <summary>Does it. After a rollback it is done again, in another transaction: what it changes in memory has to bear that.</summary>
    /// <returns>Whether it is done once this transaction is committed; <see langword="false"/> when it waits for something in the store.</returns>
    public abstract bool Execute(StoreTransaction transaction);

    /// <summary>How many messages it is about: a transaction takes works up to a sum.</summary>
    public virtual int Weight => 1;

    /// <summary>Whether it tells only what its process does, so that nobody needs it after a power cut, and nobody waits for the disk.</summary>
    public virtual bool IsPassing => false;

    /// <summary>The transaction is on disk.</summary>
    public abstract void Complete();

    /// <summary>There is no room for it. It has changed nothing, so the others of its transaction are done all the same.</summary>
    public abstract void Refuse(SqliteFailure refusal);

    /// <summary>It will not be done.</summary>
    public abstract void Fail(Exception exception);

    /// <summary>Its transaction was rolled back.</summary>
    /// <returns>Whether it is to be tried again, until it succeeds or the store closes.</returns>
    public virtual bool TriesAgainAfter(Exception exception)
    {
        Fail(exception);
        return false;
    }

    /// <summary>A work that is a function.</summary>
    public static StoreWork<T> Of<T>(Func<StoreTransaction, T> act, bool isPassing = false) => new FunctionWork<T>(act, isTriedAgain: false, isPassing);

    /// <summary>A work that is a function and must not get lost: its caller is told of a failure, and it is tried again all the same.</summary>
    public static StoreWork<T> OfCertain<T>(Func<StoreTransaction, T> act, bool isPassing = false) => new FunctionWork<T>(act, isTriedAgain: true, isPassing);

    private sealed class FunctionWork<T>(Func<StoreTransaction, T> act, bool isTriedAgain, bool isPassing) : StoreWork<T>
    {
        public override bool IsPassing => isPassing;

        public override bool TriesAgainAfter(Exception exception)
        {
            Fail(exception);
            return isTriedAgain && exception is SqliteFailure;
        }

        public override bool Execute(StoreTransaction transaction)
        {
            Refusal = null;
            Result = act(transaction);
            return true;
        }
    }
}
