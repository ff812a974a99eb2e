using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Runnel.EntityFrameworkCore;

/// <summary>Watches the transactions that an application opens around its saves.</summary>
internal sealed class TransactionBindingInterceptor(DataBinding binding) : DbTransactionInterceptor
{
    public override DbTransaction TransactionStarted(DbConnection connection, TransactionEndEventData eventData, DbTransaction result)
    {
        PendingChanges.Begin(result, eventData.TransactionId);
        return result;
    }

    public override ValueTask<DbTransaction> TransactionStartedAsync(
        DbConnection connection,
        TransactionEndEventData eventData,
        DbTransaction result,
        CancellationToken cancellationToken = default) => ValueTask.FromResult(TransactionStarted(connection, eventData, result));

    public override DbTransaction TransactionUsed(DbConnection connection, TransactionEventData eventData, DbTransaction result)
    {
        PendingChanges.Of(result).Join(eventData.TransactionId);
        return result;
    }

    public override ValueTask<DbTransaction> TransactionUsedAsync(
        DbConnection connection,
        TransactionEventData eventData,
        DbTransaction result,
        CancellationToken cancellationToken = default) => ValueTask.FromResult(TransactionUsed(connection, eventData, result));

    public override void TransactionCommitted(DbTransaction transaction, TransactionEndEventData eventData) =>
        ChangePublisher.Publish(PendingChanges.Take(transaction));

    public override Task TransactionCommittedAsync(
        DbTransaction transaction,
        TransactionEndEventData eventData,
        CancellationToken cancellationToken = default) => ChangePublisher.PublishAsync(PendingChanges.Take(transaction));

    public override void TransactionRolledBack(DbTransaction transaction, TransactionEndEventData eventData) => PendingChanges.Take(transaction);

    public override Task TransactionRolledBackAsync(
        DbTransaction transaction,
        TransactionEndEventData eventData,
        CancellationToken cancellationToken = default)
    {
        PendingChanges.Take(transaction);
        return Task.CompletedTask;
    }

    public override void CreatedSavepoint(DbTransaction transaction, TransactionEventData eventData)
    {
        if (!IsOfTheSaveItself(eventData))
            PendingChanges.Of(transaction).Mark(NamedSavepoint.Current);
    }

    public override Task CreatedSavepointAsync(
        DbTransaction transaction,
        TransactionEventData eventData,
        CancellationToken cancellationToken = default)
    {
        CreatedSavepoint(transaction, eventData);
        return Task.CompletedTask;
    }

    public override void RolledBackToSavepoint(DbTransaction transaction, TransactionEventData eventData)
    {
        if (!IsOfTheSaveItself(eventData))
            PendingChanges.Of(transaction).RollBackTo(NamedSavepoint.Current);
    }

    public override Task RolledBackToSavepointAsync(
        DbTransaction transaction,
        TransactionEventData eventData,
        CancellationToken cancellationToken = default)
    {
        RolledBackToSavepoint(transaction, eventData);
        return Task.CompletedTask;
    }

    public override void ReleasedSavepoint(DbTransaction transaction, TransactionEventData eventData)
    {
        if (!IsOfTheSaveItself(eventData))
            PendingChanges.Of(transaction).Release(NamedSavepoint.Current);
    }

    public override Task ReleasedSavepointAsync(
        DbTransaction transaction,
        TransactionEventData eventData,
        CancellationToken cancellationToken = default)
    {
        ReleasedSavepoint(transaction, eventData);
        return Task.CompletedTask;
    }

    // EF sets a savepoint of its own around each save; what that save changed is not among the pending changes yet.
    private bool IsOfTheSaveItself(TransactionEventData eventData) =>
        NamedSavepoint.Current is null && eventData.Context is { } context && binding.IsSaving(context);
}
