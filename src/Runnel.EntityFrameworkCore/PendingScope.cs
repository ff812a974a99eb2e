using System.Runtime.CompilerServices;
using System.Transactions;

namespace Runnel.EntityFrameworkCore;

/// <summary>Changes saved inside a <see cref="TransactionScope"/>, sent when it completes.</summary>
internal sealed class PendingScope
{
    private static readonly ConditionalWeakTable<Transaction, PendingScope> Scopes = [];

    private readonly Lock _lock = new();
    private readonly List<OutgoingChange> _changes = [];

    private PendingScope(Transaction transaction) => transaction.TransactionCompleted += (_, completed) =>
    {
        if (completed.Transaction?.TransactionInformation.Status is TransactionStatus.Committed)
            ChangePublisher.Publish(Take());
    };

    public static PendingScope Of(Transaction transaction) => Scopes.GetValue(transaction, key => new PendingScope(key));

    public void Add(IEnumerable<OutgoingChange> changes)
    {
        lock (_lock)
            _changes.AddRange(changes);
    }

    private List<OutgoingChange> Take()
    {
        lock (_lock)
            return [.. _changes];
    }
}
