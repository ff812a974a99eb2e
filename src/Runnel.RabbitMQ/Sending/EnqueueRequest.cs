using Runnel.Layers;

namespace Runnel.RabbitMQ.Sending;

/// <summary>Messages of one call that wait to be stored.</summary>
internal sealed class EnqueueRequest(ChannelName channel, NewMessage[] messages, EnqueueOptions options)
{
    private readonly TaskCompletionSource<int> _stored = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public NewMessage[] Messages => messages;

    public EnqueueOptions Options => options;

    /// <summary>When it got in line, as a timestamp of the system's clock.</summary>
    public long AddedAt { get; } = TimeProvider.System.GetTimestamp();

    public bool HasKeys { get; } = Array.Exists(messages, static message => message.Key is not null);

    /// <summary>Ends when all are stored.</summary>
    public Task<int> Task => _stored.Task;

    public void Stored() => _stored.TrySetResult(messages.Length);

    public void Fail(Exception exception) => _stored.TrySetException(exception);

    public void Refuse() => Fail(new ChannelFullException(channel, options.Capacity));
}
