using System.Threading.Channels;

namespace Runnel.Bench;

/// <summary>An unbounded <see cref="Channel{T}"/> of arrays, and one loop that reads it.</summary>
internal sealed class BareChannel : IBareStore
{
    private readonly Channel<byte[]> _channel = Channel.CreateUnbounded<byte[]>();

    public Task EnqueueAsync(int callers, int messages) =>
        Callers.RunAsync(callers, messages, async _ => await _channel.Writer.WriteAsync(new byte[BenchWork.Length]));

    public Task EnqueueBulkAsync(int messages) => EnqueueAsync(callers: 8, messages);

    public async Task ProcessAsync(int messages)
    {
        for (var i = 0; i < messages; i++)
            await _channel.Reader.ReadAsync();
    }

    public ValueTask DisposeAsync()
    {
        _channel.Writer.Complete();
        return ValueTask.CompletedTask;
    }
}
