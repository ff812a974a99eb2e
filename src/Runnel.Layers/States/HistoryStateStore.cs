using System.Buffers.Binary;

namespace Runnel.Layers;

/// <summary>The state store on a backplane's history: a value is the one message of a topic, a reservation is an entry in a topic's history.</summary>
/// <remarks>
/// The order of the history decides who gets a name, so the layer needs no compare-and-set. Everybody who reads the same entries comes to the same
/// answer, because it goes by the times in the entries. These come from the clock of the node that reserves, and not from the layer's. If two clocks differ by more
/// than a reservation's lapse, two may get a name. If the clock of a holder that died was ahead, the name stays taken for that much longer, at most until its entry
/// ages out. If a node asks for a name at the same time as the one that gets it, and dies before it has withdrawn, a marked name may be free sooner than its window ends: by
/// the time between the two. Do not use one name for a value and a reservation.
/// </remarks>
/// <param name="backplane">A backplane with <see cref="BackplaneFeatures.History"/>.</param>
/// <param name="timeProvider">The clock.</param>
public sealed class HistoryStateStore(IBackplane backplane, TimeProvider timeProvider) : IStateStore
{
    private const int MostEntries = 256;
    private const int EntryLength = 33; // verb, token, time, how long it holds from then on

    private enum Verb : byte
    {
        Reserve,
        Confirm,
        Mark,
        Release,
        Withdraw,
    }

    private long Now => timeProvider.GetUtcNow().UtcTicks;

    /// <inheritdoc/>
    public async ValueTask SetAsync(string name, ReadOnlyMemory<byte> value, TimeSpan keep, CancellationToken cancellationToken = default) =>
        await backplane.PublishAsync(Topic.OfState(name), value, new Retention(1, keep) { PositionAge = keep }, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask<StateValue?> GetAsync(string name, CancellationToken cancellationToken = default)
    {
        var history = await backplane.ReadHistoryAsync(Topic.OfState(name), Position.None, limit: 1, cancellationToken).ConfigureAwait(false);
        return history.Messages is [var latest] ? new StateValue(latest.Position, latest.Payload) : null;
    }

    /// <inheritdoc/>
    public async ValueTask<IAsyncDisposable> WatchAsync(string name, Action<StateValue> onValue, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(onValue);
        // A gap may leave out values, but never the latest: the history holds that one.
        return await backplane.SubscribeAsync(Topic.OfState(name), message => onValue(new StateValue(message.Position, message.Payload)), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<Reservation?> ReserveAsync(string name, TimeSpan lapse, TimeSpan window, CancellationToken cancellationToken = default)
    {
        // Read first: whoever asks for a taken name leaves no entry, so that no number of them pushes the mark out of the history.
        if (await ReadAsync(name, cancellationToken).ConfigureAwait(false) is { IsTaken: true } taken && taken.Until > Now)
            return null;
        var reservation = new Reservation(name, Guid.NewGuid(), lapse, window);
        var position = await AppendAsync(Verb.Reserve, reservation, cancellationToken).ConfigureAwait(false);
        if (position.Offset == 1)
            return reservation; // the history begins with it
        if ((await ReadAsync(name, cancellationToken).ConfigureAwait(false)).Holder == reservation.Token)
            return reservation;
        // The winner's first entry leaves the history before this one, which would be taken for the holder's then.
        await AppendAsync(Verb.Withdraw, reservation, cancellationToken).ConfigureAwait(false);
        return null;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> IsMarkedAsync(string name, CancellationToken cancellationToken = default) =>
        await ReadAsync(name, cancellationToken).ConfigureAwait(false) is { IsMarked: true } marked && marked.Until > Now;

    /// <inheritdoc/>
    public async ValueTask<bool> ConfirmAsync(Reservation reservation, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reservation);
        await AppendAsync(Verb.Confirm, reservation, cancellationToken).ConfigureAwait(false);
        var holding = await ReadAsync(reservation.Name, cancellationToken).ConfigureAwait(false);
        return holding.Holder == reservation.Token && holding.Until > Now;
    }

    /// <inheritdoc/>
    public async ValueTask MarkAsync(Reservation reservation, CancellationToken cancellationToken = default) =>
        await AppendAsync(Verb.Mark, reservation, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask ReleaseAsync(Reservation reservation, CancellationToken cancellationToken = default) =>
        await AppendAsync(Verb.Release, reservation, cancellationToken).ConfigureAwait(false);

    private ValueTask<Position> AppendAsync(Verb verb, Reservation reservation, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reservation);
        var entry = new byte[EntryLength];
        entry[0] = (byte)verb;
        reservation.Token.TryWriteBytes(entry.AsSpan(1));
        BinaryPrimitives.WriteInt64LittleEndian(entry.AsSpan(17), Now);
        BinaryPrimitives.WriteInt64LittleEndian(entry.AsSpan(25), (verb == Verb.Mark ? reservation.Window : reservation.Lapse).Ticks);
        var kept = reservation.Window > reservation.Lapse ? reservation.Window : reservation.Lapse;
        return backplane.PublishAsync(Topic.OfState(reservation.Name), entry, new Retention(MostEntries, kept) { PositionAge = kept }, cancellationToken);
    }

    private async ValueTask<Holding> ReadAsync(string name, CancellationToken cancellationToken)
    {
        List<Entry> entries = [];
        var after = Position.None;
        while (true)
        {
            var history = await backplane.ReadHistoryAsync(Topic.OfState(name), after, MostEntries, cancellationToken).ConfigureAwait(false);
            foreach (var message in history.Messages)
            {
                entries.Add(Entry.Read(message.Payload.Span));
                after = message.Position;
            }
            if (history.HasMore)
                continue;
            var withdrawn = entries.Where(entry => entry.Verb == Verb.Withdraw).Select(entry => entry.Token).ToHashSet();
            return entries.Where(entry => !withdrawn.Contains(entry.Token)).Aggregate(default(Holding), After);
        }
    }

    private static Holding After(Holding holding, Entry entry) => entry.Verb switch
    {
        Verb.Reserve when !holding.IsTaken || entry.Time >= holding.Until => new(entry.Token, entry.Until, IsMarked: false),
        Verb.Confirm when holding.IsMarked => holding, // it is done: nothing lapses any more
        // The entry that began a reservation may have left the history before it was confirmed or marked.
        Verb.Confirm when !holding.IsTaken || (holding.Holder == entry.Token && entry.Time < holding.Until) => new(entry.Token, entry.Until, IsMarked: false),
        Verb.Mark when !holding.IsTaken || holding.Holder == entry.Token => new(entry.Token, entry.Until, IsMarked: true),
        Verb.Release when holding.Holder == entry.Token => default,
        _ => holding,
    };

    private readonly record struct Entry(Verb Verb, Guid Token, long Time, long Until)
    {
        public static Entry Read(ReadOnlySpan<byte> bytes)
        {
            var time = BinaryPrimitives.ReadInt64LittleEndian(bytes[17..]);
            return new((Verb)bytes[0], new Guid(bytes.Slice(1, 16)), time, time + BinaryPrimitives.ReadInt64LittleEndian(bytes[25..]));
        }
    }

    private readonly record struct Holding(Guid Holder, long Until, bool IsMarked)
    {
        public bool IsTaken => Holder != Guid.Empty;
    }
}
