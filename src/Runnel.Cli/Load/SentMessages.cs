namespace Runnel.Cli.Load;

/// <summary>What was sent: when each message was due, and whether it is certain that the server has it. Publishers are numbered from 0, their messages from 1.</summary>
internal sealed class SentMessages
{
    // What is known of a message. Bytes, so that they can be read while another thread writes.
    private const byte NotSent = 0, UnderWay = 1, HasArrived = 2, Uncertain = 3;

    private readonly long[][] _due;
    private readonly byte[][] _states;
    private readonly int[] _lastSent;
    private readonly int[] _lastConfirmed;
    private long _sent;
    private long _confirmed;
    private long _failed;

    /// <param name="publishers">So many number their messages.</param>
    /// <param name="most">The most that one of them sends.</param>
    public SentMessages(int publishers, int most)
    {
        _due = [.. Enumerable.Range(0, publishers).Select(_ => new long[most])];
        _states = [.. Enumerable.Range(0, publishers).Select(_ => new byte[most])];
        (_lastSent, _lastConfirmed) = (new int[publishers], new int[publishers]);
    }

    public int Publishers => _due.Length;

    public long Sent => Volatile.Read(ref _sent);

    public long Confirmed => Volatile.Read(ref _confirmed);

    public long Failed => Volatile.Read(ref _failed);

    /// <summary>A message is sent now.</summary>
    public void Begin(int publisher, int number, long due)
    {
        _due[publisher][number - 1] = due;
        Volatile.Write(ref _states[publisher][number - 1], UnderWay);
        Volatile.Write(ref _lastSent[publisher], number);
        Interlocked.Increment(ref _sent);
    }

    /// <summary>The server has it: every socket should get it.</summary>
    public void Confirm(int publisher, int number)
    {
        Volatile.Write(ref _states[publisher][number - 1], HasArrived);
        Volatile.Write(ref _lastConfirmed[publisher], number);
        Interlocked.Increment(ref _confirmed);
    }

    /// <summary>Nobody knows whether the server has it: a socket may get it or not.</summary>
    public void Fail(int publisher, int number)
    {
        Volatile.Write(ref _states[publisher][number - 1], Uncertain);
        Interlocked.Increment(ref _failed);
    }

    /// <summary>Whether a message was sent, and when it was due.</summary>
    public bool TryGetDue(int publisher, int number, out long due)
    {
        due = 0;
        if (publisher < 0 || publisher >= _due.Length || number < 1 || number > _due[publisher].Length || Volatile.Read(ref _states[publisher][number - 1]) == NotSent)
            return false;
        due = _due[publisher][number - 1];
        return true;
    }

    public int LastSent(int publisher) => Volatile.Read(ref _lastSent[publisher]);

    public int LastConfirmed(int publisher) => Volatile.Read(ref _lastConfirmed[publisher]);

    /// <summary>How many numbers of a hole the server certainly had.</summary>
    public long CountOwed(int publisher, Hole hole)
    {
        var count = 0L;
        for (var number = hole.From; number <= hole.To; number++)
            count += Volatile.Read(ref _states[publisher][number - 1]) == HasArrived ? 1 : 0;
        return count;
    }
}
