using Runnel.Frames;
using Runnel.Layers;

namespace Runnel.Groups;

/// <summary>The pages of a group's history that those who come back read: each is read from the layer once, whoever asks, and live messages fill them in.</summary>
/// <remarks>
/// A page is 100 places, by their offsets. From the first reader on, every live message is put in its place, so whoever has read up to the present finds the rest here. Ten seconds after the last
/// reader the pages are dropped, and also when there are too many of them: they are read again then. A history may go on in another epoch before this node has heard of it. So a message is only
/// found by its whole position: in the other epoch, the same offset may belong to another message.
/// </remarks>
/// <param name="topic">The group's topic.</param>
/// <param name="backplane">Where its history is.</param>
/// <param name="timeProvider">The clock.</param>
/// <param name="decode">Makes a group's message of what the layer keeps.</param>
internal sealed class GroupPages(Topic topic, IBackplane backplane, TimeProvider timeProvider, Func<BackplaneMessage, GroupMessage> decode)
{
    /// <summary>How many messages a page has.</summary>
    public const int PageSize = 100;

    private const long MostCost = 8 * 1024 * 1024;
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<(long Epoch, long Page), Task<GroupMessage?[]>> _reads = [];
    private readonly Dictionary<Position, Task<Position?>> _checks = [];
    private Dictionary<long, GroupMessage?[]>? _pages; // null while nobody reads
    private long _cost;
    private long _usedAt;
    private int _generation;
    private long _epoch; // of what was read or heard last
    private ITimer? _timer;

    /// <summary>Puts a live message in its place, if anybody reads.</summary>
    public void Add(GroupMessage message)
    {
        if (Volatile.Read(ref _pages) is null)
            return;
        lock (_lock)
        {
            if (_pages is null)
                return;
            Notice(message.Place!.Position.Epoch);
            Store(message);
        }
    }

    /// <summary>The message at a place; <see langword="null"/> if it is not here.</summary>
    public GroupMessage? Find(Position place)
    {
        lock (_lock)
        {
            Touch();
            return FindHere(place);
        }
    }

    /// <summary>Reads the page of a place, or waits for whoever is reading it.</summary>
    /// <returns>The message at the place; <see langword="null"/> if the history does not hold it any more, or goes on in another epoch (<see cref="IsIn"/>).</returns>
    public async Task<GroupMessage?> ReadAsync(Position place)
    {
        Task<GroupMessage?[]> read;
        lock (_lock)
        {
            Touch();
            if (FindHere(place) is { } message)
                return message; // read since the caller looked
            var page = (place.Epoch, Number: PageOf(place.Offset));
            if (!_reads.TryGetValue(page, out read!))
            {
                var generation = _generation;
                _reads[page] = read = Task.Run(() => ReadPageAsync(page.Epoch, page.Number, generation));
            }
        }
        return (await read)[SlotOf(place.Offset)];
    }

    /// <summary>Whether the history was in this epoch when something of it was read or heard last.</summary>
    public bool IsIn(long epoch)
    {
        lock (_lock)
            return _epoch == epoch;
    }

    /// <summary>Asks the layer whether everything since a position of another epoch, or ahead of the group, is there.</summary>
    /// <returns>The same place in the present epoch; <see langword="null"/> if something is missing.</returns>
    public Task<Position?> CheckAsync(Position position)
    {
        lock (_lock)
        {
            Touch();
            if (!_checks.TryGetValue(position, out var check) || check is { IsFaulted: true })
            {
                var generation = _generation;
                _checks[position] = check = Task.Run(() => ReadCheckAsync(position, generation));
            }
            return check;
        }
    }

    /// <summary>Messages are missing: what is here says nothing about what follows.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            _generation++;
            Clear();
        }
    }

    private async Task<GroupMessage?[]> ReadPageAsync(long epoch, long number, int generation)
    {
        try
        {
            var page = new GroupMessage?[PageSize];
            var after = new Position(epoch, number * PageSize);
            while (true)
            {
                var history = await ReadHistoryAsync(after);
                if (history.Latest.Epoch != epoch)
                    return page;
                if (history.Messages is [.., var last])
                    after = last.Position;
                TakeIn(history, number, page, generation);
                if (!history.HasMore || history.Messages.Count == 0 || after.Offset >= (number + 1) * PageSize)
                    return page;
            }
        }
        finally
        {
            lock (_lock)
            {
                if (generation == _generation)
                    _reads.Remove((epoch, number));
            }
        }
    }

    private async Task<Position?> ReadCheckAsync(Position position, int generation)
    {
        var history = await ReadHistoryAsync(position);
        if (!history.IsComplete)
            return null;
        if (history.Messages is not [var first, ..])
            return history.Latest;
        TakeIn(history, number: -1, page: [], generation);
        return first.Position with { Offset = first.Position.Offset - 1 };
    }

    private async ValueTask<TopicHistory> ReadHistoryAsync(Position after)
    {
        ConnectionMetrics.GroupHistoryWasRead();
        var history = await backplane.ReadHistoryAsync(topic, after, PageSize);
        lock (_lock)
            Notice(history.Latest.Epoch);
        return history;
    }

    // What the layer left out because it cannot be read takes up its place all the same.
    private void TakeIn(TopicHistory history, long number, GroupMessage?[] page, int generation)
    {
        var messages = history.Messages.Select(decode).ToList();
        lock (_lock)
        {
            for (var i = 0; i < messages.Count; i++)
            {
                Put(messages[i]);
                var place = messages[i].Place!;
                var next = i + 1 < messages.Count ? messages[i + 1].Place!.Position.Offset : history.HasMore ? 0 : history.Latest.Offset + 1;
                for (var hole = place.Position.Offset + 1; hole < next; hole++)
                    Put(GroupMessage.OfPlace(place with { Position = place.Position with { Offset = hole }, IsGap = false }));
            }
        }

        void Put(GroupMessage message)
        {
            var offset = message.Place!.Position.Offset;
            if (PageOf(offset) == number)
                page[SlotOf(offset)] ??= message;
            if (generation == _generation && _pages is not null)
                Store(message);
        }
    }

    // Called with the lock held, as all that follow are. What was found out about another epoch may not hold any more.
    private void Notice(long epoch)
    {
        if (_epoch == epoch)
            return;
        if (_epoch != 0)
            _checks.Clear();
        _epoch = epoch;
    }

    private GroupMessage? FindHere(Position place) =>
        _pages!.GetValueOrDefault(PageOf(place.Offset))?[SlotOf(place.Offset)] is { } message && message.Place!.Position == place ? message : null;

    private void Store(GroupMessage message)
    {
        var (epoch, offset) = message.Place!.Position;
        if (!_pages!.TryGetValue(PageOf(offset), out var page))
            _pages[PageOf(offset)] = page = new GroupMessage?[PageSize];
        var known = page[SlotOf(offset)];
        if (known?.Place!.Position.Epoch == epoch)
            return;
        page[SlotOf(offset)] = message;
        _cost += message.Cost - (known?.Cost ?? 0);
        if (_cost <= MostCost)
            return;
        _pages = new() { [PageOf(offset)] = page };
        _cost = page.Sum(static kept => (long)(kept?.Cost ?? 0));
    }

    private void Touch()
    {
        _usedAt = timeProvider.GetTimestamp();
        if (_pages is not null)
            return;
        _pages = [];
        _timer = timeProvider.CreateTimer(static pages => ((GroupPages)pages!).EndIfIdle(), this, Idle, Timeout.InfiniteTimeSpan);
    }

    private void EndIfIdle()
    {
        lock (_lock)
        {
            if (_pages is null)
                return;
            var left = Idle - timeProvider.GetElapsedTime(_usedAt);
            if (left > TimeSpan.Zero)
            {
                _timer!.Change(left, Timeout.InfiniteTimeSpan);
                return;
            }
            Clear();
        }
    }

    private void Clear()
    {
        (_pages, _cost) = (null, 0);
        _reads.Clear();
        _checks.Clear();
        _timer?.Dispose();
        _timer = null;
    }

    private static long PageOf(long offset) => (offset - 1) / PageSize;

    private static int SlotOf(long offset) => (int)((offset - 1) % PageSize);
}
