using Runnel.Layers;

namespace Runnel.RabbitMQ.Receiving;

/// <summary>Somebody who waits for messages of a channel.</summary>
internal sealed class ReceiveRequest(int max)
{
    private readonly TaskCompletionSource<IReadOnlyList<ReceivedMessage>> _received = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public int Max => max;

    public Task<IReadOnlyList<ReceivedMessage>> Task => _received.Task;

    public void End(IReadOnlyList<ReceivedMessage> messages) => _received.TrySetResult(messages);

    public void Cancel(CancellationToken cancellationToken) => _received.TrySetCanceled(cancellationToken);

    public void Fail(Exception exception) => _received.TrySetException(exception);
}
