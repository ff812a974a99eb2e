namespace Runnel.Cli.Load;

/// <summary>Finds the run's messages in what the sockets get, and counts how they came. Called by all sockets at once.</summary>
internal sealed class Deliveries(Mark mark, SentMessages sent, TimeProvider clock)
{
    private long _arrived;
    private long _doubled;
    private long _late;
    private long _strange;

    /// <summary>From when a message was due until it was here.</summary>
    public LatencyHistogram Latencies { get; } = new();

    public Examples Examples { get; } = new();

    /// <summary>Deliveries, each message counted once for each socket.</summary>
    public long Arrived => Volatile.Read(ref _arrived);

    public long Doubled => Volatile.Read(ref _doubled);

    public long OutOfOrder => Volatile.Read(ref _late);

    /// <summary>Messages of this run that were never sent, or not for the socket that got them.</summary>
    public long Unexpected => Volatile.Read(ref _strange);

    /// <summary>A socket got a message, in which the run's messages may be.</summary>
    /// <param name="connection">The socket's number, for people.</param>
    /// <param name="arrivals">What it got before.</param>
    /// <param name="text">The message.</param>
    /// <param name="now">When it came.</param>
    public void Take(int connection, Arrivals arrivals, ReadOnlySpan<byte> text, long now)
    {
        var before = (-1, -1);
        while (mark.TryFind(ref text, out var publisher, out var number))
        {
            arrivals.HasAny = true;
            if (number == Mark.ProbeNumber || (publisher, number) == before)
                continue; // a server may say the same in several members of one message
            before = (publisher, number);
            Take(connection, arrivals, publisher, number, now);
        }
    }

    /// <summary>A client is told that messages are missing.</summary>
    public void Tell(Arrivals arrivals) => arrivals.Tell(sent);

    private void Take(int connection, Arrivals arrivals, int publisher, int number, long now)
    {
        if (arrivals.Of(publisher) is not { } sequence || !sent.TryGetDue(publisher, number, out var due))
        {
            Interlocked.Increment(ref _strange);
            Examples.Add(connection, $"{Name(publisher, number)} came, which was not sent to it");
            return;
        }
        var arrival = sequence.Take(number);
        if (arrival == Arrival.Again)
        {
            Interlocked.Increment(ref _doubled);
            Examples.Add(connection, $"{Name(publisher, number)} came again");
            return;
        }
        if (arrival == Arrival.Late)
        {
            Interlocked.Increment(ref _late);
            Examples.Add(connection, $"{Name(publisher, number)} came behind a later one");
        }
        Interlocked.Increment(ref _arrived);
        Latencies.Record(clock.GetElapsedTime(due, now));
    }

    private static string Name(int publisher, int number) => $"message {number} of publisher {publisher + 1}";
}
