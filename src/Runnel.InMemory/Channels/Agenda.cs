using Runnel.InMemory.Stored;

namespace Runnel.InMemory.Channels;

/// <summary>Things that fall due, earliest first: some at a time of day, some when so much time has passed. Equal times come in the order added.</summary>
internal sealed class Agenda<T>(ChannelClock clock)
{
    // Timers do not notice when somebody sets the clock: what is due by then is late by no more than this.
    private static readonly long LongestSleep = TimeSpan.FromSeconds(10).Ticks;

    private readonly TimeHeap<T> _ofDay = new();
    private readonly TimeHeap<T> _passing = new();
    private long _added;

    public int Count => _ofDay.Count + _passing.Count;

    /// <summary>All, in no order.</summary>
    public IEnumerable<T> Items => _ofDay.Items.Concat(_passing.Items);

    public TimeHeap<T>.Node Add(Moment moment, T item) => (moment.IsOfDay ? _ofDay : _passing).Add(moment.Ticks, item, _added++);

    /// <summary>When to look next.</summary>
    public long NextTime(long now) => _ofDay.Count == 0
        ? _passing.NextTime
        : Math.Min(_passing.NextTime, now + Math.Clamp(_ofDay.NextTime - clock.TimeOfDay, 0, LongestSleep));

    public bool TryTakeDue(long now, out T item)
    {
        item = default!;
        if (Count == 0)
            return false;
        var (ofDay, passing) = (_ofDay.Count == 0 ? null : _ofDay.First, _passing.Count == 0 ? null : _passing.First);
        var (overdue, late) = (ofDay is null ? -1 : clock.TimeOfDay - ofDay.Time, passing is null ? -1 : now - passing.Time);
        if (overdue < 0 && late < 0)
            return false;
        var first = late < 0 || (overdue >= 0 && (overdue > late || (overdue == late && ofDay!.Order < passing!.Order))) ? ofDay! : passing!;
        first.Remove();
        item = first.Item;
        return true;
    }

    public void Clear()
    {
        _ofDay.Clear();
        _passing.Clear();
    }
}
