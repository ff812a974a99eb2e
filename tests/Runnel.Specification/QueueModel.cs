using Runnel.Layers;

namespace Runnel.Specification;

/// <summary>What one channel of a work queue has to do, as simply as it can be said: a list that is searched. Compared with the real one.</summary>
internal sealed class QueueModel
{
    private readonly List<Entry> _entries = [];
    private int _deaths;

    public enum State
    {
        Held,
        Claimed,
        Dead,
        Gone,
    }

    public DateTimeOffset Now { get; set; }

    public IReadOnlyList<Entry> Entries => _entries;

    public void Store(Envelope envelope) =>
        _entries.Add(new Entry { Id = envelope.Id, Key = envelope.Key, Due = DueOf(envelope), Expires = ExpiryOf(envelope) });

    /// <summary>What has expired while no worker had it is gone.</summary>
    public void Expire() =>
        _entries.RemoveAll(entry => entry.State == State.Gone || (entry.State == State.Held && entry.Expires <= Now));

    public Entry? Find(MessageId id) => _entries.SingleOrDefault(entry => entry.Id == id);

    /// <summary>Whether it is the oldest of its key that is not settled.</summary>
    public bool IsHead(Entry entry) =>
        entry.Key is null || _entries.First(other => other.Key == entry.Key && other.State is (State.Held or State.Claimed)) == entry;

    public bool IsReady(Entry entry) => entry.State == State.Held && entry.Due <= Now && IsHead(entry);

    public void GiveBack(Entry entry, TimeSpan delay, bool countsAttempt)
    {
        entry.State = State.Held;
        entry.Due = delay > TimeSpan.Zero ? Now + delay : default;
        entry.Attempt += countsAttempt ? 1 : 0;
        Expire();
    }

    public void Crash(Entry entry)
    {
        entry.Crashes++;
        entry.Expires = DateTimeOffset.MaxValue; // it may have been begun in time
        GiveBack(entry, TimeSpan.Zero, countsAttempt: false);
    }

    public void PutAside(Entry entry) => (entry.State, entry.Died) = (State.Dead, ++_deaths);

    /// <summary>Puts all dead letters at the end, oldest first; they no longer expire.</summary>
    public int Replay()
    {
        var dead = _entries.Where(entry => entry.State == State.Dead).OrderBy(entry => entry.Died).ToList();
        foreach (var entry in dead)
        {
            _entries.Remove(entry);
            _entries.Add(entry);
            (entry.State, entry.Attempt, entry.Crashes, entry.Due, entry.Expires) = (State.Held, 0, 0, default, DateTimeOffset.MaxValue);
        }
        return dead.Count;
    }

    public (int Ready, int Scheduled, int Blocked, int InFlight, int Dead) Count()
    {
        var held = _entries.Where(entry => entry.State == State.Held).ToList();
        var ready = held.Count(IsReady);
        var scheduled = held.Count(entry => IsHead(entry) && entry.Due > Now);
        return (ready, scheduled, held.Count - ready - scheduled, _entries.Count(entry => entry.State == State.Claimed), _entries.Count(entry => entry.State == State.Dead));
    }

    private DateTimeOffset DueOf(Envelope envelope) => envelope.Delay > TimeSpan.Zero ? Now + envelope.Delay : envelope.NotBefore ?? default;

    private DateTimeOffset ExpiryOf(Envelope envelope) => envelope.TimeToLive is { } life ? Now + life : envelope.ExpiresAt ?? DateTimeOffset.MaxValue;

    public sealed class Entry
    {
        public required MessageId Id { get; init; }

        public required string? Key { get; init; }

        public required DateTimeOffset Expires { get; set; }

        public DateTimeOffset Due { get; set; }

        public State State { get; set; }

        public int Attempt { get; set; }

        public int Crashes { get; set; }

        /// <summary>The how manyeth death it was.</summary>
        public int Died { get; set; }
    }
}
