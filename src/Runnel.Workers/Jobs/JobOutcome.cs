namespace Runnel.Workers.Jobs;

/// <summary>What becomes of a message that was handled, other than being done.</summary>
internal sealed record JobOutcome
{
    /// <summary>It comes back after this time; <see langword="null"/>: it is put aside.</summary>
    public TimeSpan? Delay { get; private init; }

    /// <summary>Whether the attempt failed.</summary>
    public bool CountsAttempt { get; private init; }

    /// <summary>What went wrong.</summary>
    public string? Error { get; private init; }

    /// <summary>Whether the job's clients may read what went wrong: the consumer said it on purpose, or it names nothing of the server's.</summary>
    public bool IsForClients { get; init; }

    /// <summary>What it says next time; <see langword="null"/>: the same.</summary>
    public ReadOnlyMemory<byte>? Body { get; private init; }

    public static JobOutcome Retry(TimeSpan delay, string error) => new() { Delay = delay, CountsAttempt = true, Error = error };

    public static JobOutcome Reschedule(TimeSpan delay, byte[]? body) => new() { Delay = delay, Body = Memory(body) };

    public static JobOutcome DeadLetter(string reason) => new() { Error = reason };

    // Not a conditional expression: in one, null becomes an array's memory, which is empty and no longer null.
    private static ReadOnlyMemory<byte>? Memory(byte[]? body)
    {
        if (body is null)
            return null;
        return body;
    }
}
