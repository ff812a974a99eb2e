using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Storage;

namespace Runnel.EntityFrameworkCore;

/// <summary>EF's transaction, which tells the interceptors two things their events leave out: the savepoint's name, and the end by disposal.</summary>
internal sealed class BoundTransaction(
    IRelationalConnection connection,
    DbTransaction transaction,
    Guid transactionId,
    IDiagnosticsLogger<DbLoggerCategory.Database.Transaction> logger,
    bool transactionOwned,
    ISqlGenerationHelper sqlGenerationHelper)
    : RelationalTransaction(connection, transaction, transactionId, logger, transactionOwned, sqlGenerationHelper)
{
    private readonly DbTransaction _transaction = transaction;

    public override void CreateSavepoint(string name)
    {
        using var _ = new NamedSavepoint(name);
        base.CreateSavepoint(name);
    }

    public override async Task CreateSavepointAsync(string name, CancellationToken cancellationToken = default)
    {
        using var _ = new NamedSavepoint(name);
        await base.CreateSavepointAsync(name, cancellationToken);
    }

    public override void RollbackToSavepoint(string name)
    {
        using var _ = new NamedSavepoint(name);
        base.RollbackToSavepoint(name);
    }

    public override async Task RollbackToSavepointAsync(string name, CancellationToken cancellationToken = default)
    {
        using var _ = new NamedSavepoint(name);
        await base.RollbackToSavepointAsync(name, cancellationToken);
    }

    public override void ReleaseSavepoint(string name)
    {
        using var _ = new NamedSavepoint(name);
        base.ReleaseSavepoint(name);
    }

    public override async Task ReleaseSavepointAsync(string name, CancellationToken cancellationToken = default)
    {
        using var _ = new NamedSavepoint(name);
        await base.ReleaseSavepointAsync(name, cancellationToken);
    }

    public override void Dispose()
    {
        base.Dispose();
        PendingChanges.Leave(_transaction, TransactionId);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        PendingChanges.Leave(_transaction, TransactionId);
    }
}
