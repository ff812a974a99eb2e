namespace Runnel.Bench;

/// <summary>Two lists, one connection. Callers that wait at the same time are one pipeline; who takes a message out moves it to the other list, and drops it from there when it is done.</summary>
internal sealed class BareRedis : IBareStore
{
    private readonly RespConnection _connection;
    private readonly string _waiting;
    private readonly string _inHand;
    private readonly string _body = new('x', BenchWork.Length);

    public BareRedis(RespConnection connection, string prefix)
    {
        _connection = connection;
        (_waiting, _inHand) = ($"{prefix}:waiting", $"{prefix}:in-hand");
    }

    public Task EnqueueAsync(int callers, int messages) => PipelineAsync(RespConnection.Encode("RPUSH", _waiting, _body), callers, messages);

    public Task EnqueueBulkAsync(int messages)
    {
        var batch = Enumerable.Repeat(_body, QueueHost.Batch).Prepend(_waiting).Prepend("RPUSH");
        return PipelineAsync(RespConnection.Encode(batch), QueueHost.BulkCallers, messages / QueueHost.Batch);
    }

    public async Task ProcessAsync(int messages)
    {
        var take = RespConnection.Encode("LMOVE", _waiting, _inHand, "LEFT", "RIGHT");
        var done = RespConnection.Encode("DEL", _inHand);
        for (var left = messages; left > 0; left -= QueueHost.Batch)
        {
            _connection.Add(done); // what the batch before took
            for (var i = 0; i < QueueHost.Batch; i++)
                _connection.Add(take);
            await _connection.FlushAsync(CancellationToken.None);
            await _connection.ReadAsync(CancellationToken.None);
            for (var i = 0; i < QueueHost.Batch; i++)
            {
                if ((await _connection.ReadAsync(CancellationToken.None)).Bytes is null)
                    throw new BenchException("The bare loop's list was empty before its time.");
            }
        }
        _connection.Add(done);
        await _connection.FlushAsync(CancellationToken.None);
        await _connection.ReadAsync(CancellationToken.None);
    }

    public void Dispose() => _connection.Dispose();

    private async Task PipelineAsync(byte[] command, int length, int commands)
    {
        for (var left = commands; left > 0; left -= length)
        {
            var now = Math.Min(length, left);
            for (var i = 0; i < now; i++)
                _connection.Add(command);
            await _connection.FlushAsync(CancellationToken.None);
            for (var i = 0; i < now; i++)
                await _connection.ReadAsync(CancellationToken.None);
        }
    }
}
