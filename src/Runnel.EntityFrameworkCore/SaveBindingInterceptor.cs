using System.Transactions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Storage;

namespace Runnel.EntityFrameworkCore;

/// <summary>Watches saves, and sends what they changed once it is committed: at once, or when the transaction around them is.</summary>
internal sealed class SaveBindingInterceptor(DataBinding binding) : SaveChangesInterceptor
{
    public override InterceptionResult<int> SavingChanges(DbContextEventData eventData, InterceptionResult<int> result)
    {
        if (eventData.Context is { } context && !result.HasResult)
            binding.Capture(context);
        return result;
    }

    public override ValueTask<InterceptionResult<int>> SavingChangesAsync(
        DbContextEventData eventData,
        InterceptionResult<int> result,
        CancellationToken cancellationToken = default) => ValueTask.FromResult(SavingChanges(eventData, result));

    public override int SavedChanges(SaveChangesCompletedEventData eventData, int result)
    {
        ChangePublisher.Publish(TakeCommitted(eventData.Context));
        return result;
    }

    public override async ValueTask<int> SavedChangesAsync(
        SaveChangesCompletedEventData eventData,
        int result,
        CancellationToken cancellationToken = default)
    {
        await ChangePublisher.PublishAsync(TakeCommitted(eventData.Context));
        return result;
    }

    public override void SaveChangesFailed(DbContextErrorEventData eventData) => Forget(eventData);

    public override Task SaveChangesFailedAsync(DbContextErrorEventData eventData, CancellationToken cancellationToken = default)
    {
        Forget(eventData);
        return Task.CompletedTask;
    }

    public override void SaveChangesCanceled(DbContextEventData eventData) => Forget(eventData);

    public override Task SaveChangesCanceledAsync(DbContextEventData eventData, CancellationToken cancellationToken = default)
    {
        Forget(eventData);
        return Task.CompletedTask;
    }

    private void Forget(DbContextEventData eventData)
    {
        if (eventData.Context is { } context)
            binding.Forget(context);
    }

    /// <summary>What may be sent now; what a transaction still holds is left with that transaction.</summary>
    private List<OutgoingChange> TakeCommitted(DbContext? context)
    {
        if (context is null || binding.Complete(context) is not { Count: > 0 } changes)
            return [];
        var database = context.Database;
        if (!database.IsRelational())
            return changes;
        if (database.CurrentTransaction is { } transaction)
            PendingChanges.Of(transaction.GetDbTransaction()).Add(changes);
        else if ((database.GetEnlistedTransaction() ?? Transaction.Current) is { } scope)
            PendingScope.Of(scope).Add(changes);
        else
            return changes;
        return [];
    }
}
