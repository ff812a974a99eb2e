using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Writing;

/// <summary>A work with a result.</summary>
internal abstract class StoreWork<TResult> : StoreWork
{
    // Continuations never run on the writer's thread: it has a disk to look after.
    private readonly TaskCompletionSource<TResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<TResult> Task => _completion.Task;

    protected TResult Result { get; set; } = default!;

    /// <summary>What the caller is to be told instead of a result. Not thrown: that would undo the other works of the transaction.</summary>
    protected Exception? Refusal { get; set; }

    public override void Complete()
    {
        if (Refusal is null)
            _completion.TrySetResult(Result);
        else
            _completion.TrySetException(Refusal);
    }

    public override void Refuse(SqliteFailure refusal) => Refusal = refusal;

    public override void Fail(Exception exception) => _completion.TrySetException(exception);

    protected bool TryCancel(CancellationToken cancellationToken) => _completion.TrySetCanceled(cancellationToken);
}
