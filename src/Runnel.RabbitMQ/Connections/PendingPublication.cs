using System.Buffers;
using RabbitMQ.Client;

namespace Runnel.RabbitMQ.Connections;

/// <summary>A message that somebody waits to be confirmed.</summary>
internal sealed class PendingPublication
{
    private readonly TaskCompletionSource<PublishOutcome> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] _body;

    public PendingPublication(in Publication publication, long deadline)
    {
        (Exchange, RoutingKey, Properties, IsMandatory, Deadline) = (publication.Exchange, publication.RoutingKey, publication.Properties, publication.IsMandatory, deadline);
        Length = publication.Body.Length;
        _body = ArrayPool<byte>.Shared.Rent(Length);
        publication.Body.CopyTo(_body);
    }

    public string Exchange { get; }

    public string RoutingKey { get; }

    public BasicProperties Properties { get; }

    public bool IsMandatory { get; }

    public int Length { get; }

    public ReadOnlyMemory<byte> Body => _body.AsMemory(0, Length);

    /// <summary>When its sender stops waiting, as a timestamp of the clock.</summary>
    public long Deadline { get; }

    /// <summary>Whether it has come back; the confirmation that follows says only that.</summary>
    public bool IsReturned { get; set; }

    public Task<PublishOutcome> Task => _done.Task;

    public bool IsDone => _done.Task.IsCompleted;

    /// <summary>The client has copied the body, or nobody will send it any more. Once.</summary>
    public void ReleaseBody() => ArrayPool<byte>.Shared.Return(_body);

    public void End(PublishOutcome outcome) => _done.TrySetResult(IsReturned ? PublishOutcome.Returned : outcome);

    public void Fail(Exception exception) => _done.TrySetException(exception);
}
