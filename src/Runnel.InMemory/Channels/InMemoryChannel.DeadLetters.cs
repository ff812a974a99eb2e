using Runnel.InMemory.Stored;
using Runnel.Layers;

namespace Runnel.InMemory.Channels;

internal sealed partial class InMemoryChannel
{
    public List<StoredDeadLetter> GetDeadLetters()
    {
        lock (_lock)
        {
            Leave(clock.Now);
            return [.. _dead];
        }
    }

    /// <summary>Puts dead letters at the end of the line, whatever the capacity.</summary>
    public int Replay(HashSet<StoredDeadLetter> letters)
    {
        lock (_lock)
        {
            var now = clock.Now;
            var taken = TakeDead(letters);
            foreach (var letter in taken)
                Put(letter.Message.Replayed(), now);
            Leave(now);
            return taken.Count;
        }
    }

    public int Purge(HashSet<StoredDeadLetter> letters)
    {
        lock (_lock)
        {
            var taken = TakeDead(letters);
            Leave(clock.Now);
            return taken.Count;
        }
    }

    private List<StoredDeadLetter> TakeDead(HashSet<StoredDeadLetter> letters)
    {
        List<StoredDeadLetter> taken = [];
        for (var left = _dead.Count; left > 0; left--)
        {
            var letter = _dead.Dequeue();
            if (letters.Contains(letter))
                taken.Add(letter);
            else
                _dead.Enqueue(letter);
        }
        return taken;
    }

    private void PutAside(StoredMessage message, DeadLetterReason reason, string? error, long now)
    {
        _dead.Enqueue(new StoredDeadLetter(message, reason, error, clock.TimeOfDay, Ticks.Later(now, deadLetterRetention)));
        FreeLane(message, now);
    }
}
