using Runnel.Redis.Resp;

namespace Runnel.Redis.Connections;

/// <summary>A command on its way, and its answer.</summary>
internal sealed class RedisCommand : TaskCompletionSource<RespValue>
{
    private readonly int _repeatMark = -1;

    /// <summary>A command that is sent once: when the connection breaks before the answer, nobody knows whether it was done.</summary>
    public RedisCommand(ReadOnlyMemory<byte> bytes)
        : base(TaskCreationOptions.RunContinuationsAsynchronously)
        => Bytes = bytes;

    /// <summary>A command that is sent again when the connection broke before the answer.</summary>
    /// <param name="bytes">The encoded command.</param>
    /// <param name="repeatMark">
    /// Where in it a <c>0</c> stands that becomes a <c>1</c> then, for a script that must not do the same thing twice; -1 if doing it twice does no harm.
    /// </param>
    public RedisCommand(ReadOnlyMemory<byte> bytes, int repeatMark)
        : this(bytes)
    {
        IsRepeatable = true;
        _repeatMark = repeatMark;
    }

    public ReadOnlyMemory<byte> Bytes { get; private set; }

    public bool IsRepeatable { get; }

    /// <summary>Whether it waits for Redis without a limit: its owner ends it.</summary>
    public bool IsPatient { get; init; }

    /// <summary>What Redis may take longer than usual, since it is asked to wait.</summary>
    public TimeSpan Wait { get; init; }

    /// <summary>How many answers it has: each channel that is subscribed to is confirmed on its own.</summary>
    public int Answers { get; init; } = 1;

    /// <summary>Called when it is answered, on the thread that reads: before what comes behind the answer is taken, and before the loss of the connection is told.</summary>
    public Action? OnAnswered { get; init; }

    /// <summary>How many of them have come on this connection.</summary>
    public int Answered { get; set; }

    /// <summary>Where it ends among all that is sent on this connection.</summary>
    public long End { get; set; }

    /// <summary>When the call began that it belongs to, as a timestamp of the system's clock: when it was handed in, unless that is said.</summary>
    public long Since { get; set; }

    /// <summary>Whether anybody still waits for its answer.</summary>
    public bool IsAwaited => !Task.IsCompleted;

    /// <summary>From now on it says that it may have been done already.</summary>
    public void MarkRepeated()
    {
        Answered = 0;
        if (_repeatMark < 0)
            return;
        var copy = Bytes.ToArray(); // the one that was sent may be on its way still
        copy[_repeatMark] = (byte)'1';
        Bytes = copy;
    }
}
