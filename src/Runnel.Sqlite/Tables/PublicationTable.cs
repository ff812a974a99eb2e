using Runnel.Layers;
using Runnel.Sqlite.Subscribers;
using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>The messages of the backplane: on their way to the other processes, and kept as history.</summary>
/// <remarks>
/// Their numbers are taken while the file is locked for writing, so who reads from the last number on that it has seen misses nothing and sees one
/// order. A message without retention stays for <see cref="Transit"/>; the file holds no more than what was published in that time.
/// </remarks>
internal sealed class PublicationTable(Database database, StoreRound round, DiskRoom room, TopicTable topics)
{
    /// <summary>How long a message stays for the other processes. One that did not run for longer may miss messages, and its subscribers are told so.</summary>
    public static readonly TimeSpan Transit = TimeSpan.FromSeconds(5);

    private const int ReadAtOnce = 500;

    private readonly Statement _insert = database.Prepare(SqliteStatements.InsertPublication);
    private readonly Statement _latest = database.Prepare(SqliteStatements.LatestPublication);
    private readonly Statement _read = database.Prepare(SqliteStatements.ReadPublications);
    private readonly Statement _forget = database.Prepare(SqliteStatements.ForgetPublications);
    private readonly Statement _nextEnd = database.Prepare(SqliteStatements.NextPublicationEnd);
    private readonly Statement _trim = database.Prepare(SqliteStatements.TrimHistory);
    private readonly List<(long Number, Publication Publication)> _own = [];
    private readonly Queue<TaskCompletionSource> _marks = [];
    private long _lastRead;
    private long _seenUntil;

    /// <summary>Whether there is something in the table that this process has not read, since its subscribers are busy.</summary>
    public bool IsBehind { get; private set; }

    /// <summary>When the next message or topic may be forgotten.</summary>
    public long? NextEnd => Earlier(_nextEnd.ReadNumber(), topics.NextEnd);

    /// <summary>Publishes.</summary>
    /// <param name="topic">Where to.</param>
    /// <param name="payload">What.</param>
    /// <param name="retention">How much history to keep.</param>
    /// <param name="node">This process.</param>
    public Position Publish(string topic, byte[] payload, Retention? retention, long node)
    {
        var others = topics.HasOtherInterest(topic, node);
        // What nobody keeps and nobody else listens to is not written.
        var isWritten = retention is not null || others || IsBehind;
        if (isWritten)
            room.RequireForPublication(payload.Length); // before anything is changed
        var position = retention is null ? Position.None : Append(topic, retention);
        var number = 0L;
        if (isWritten)
        {
            var until = Ticks.Later(round.Now, retention?.Age > Transit ? retention.Age : Transit);
            number = round.NextNumber();
            _insert.Bind(1, number).Bind(2, until).Bind(3, round.Now).Bind(4, topic).Bind(5, position.Epoch)
                .Bind(6, retention is null ? null : position.Offset).Bind(7, payload).Run();
            round.SweepAt(until);
            round.Rings |= others;
        }
        _own.Add((number, new Publication(topic, new BackplaneMessage(position, payload))));
        return position;
    }

    /// <summary>The end of the table before this transaction, which may yet be rolled back: what is read from here on is new.</summary>
    public void StartReading()
    {
        var own = _own.FindIndex(own => own.Number > 0);
        _lastRead = _latest.Bind(1, own < 0 ? long.MaxValue : _own[own].Number).ReadNumber() ?? 0;
        IsBehind = false;
        SeeAll();
    }

    /// <summary>The latest position of a topic before this transaction; <see cref="Position.None"/> when it had no history.</summary>
    public Position LatestBefore(string topic)
    {
        var own = _own.FindIndex(own => own.Publication.Topic == topic && own.Publication.Message.Position != Position.None);
        if (own < 0)
            return topics.Latest(topic);
        var position = _own[own].Publication.Message.Position;
        return position.Offset == 1 ? Position.None : position with { Offset = position.Offset - 1 };
    }

    /// <summary>There is nothing in the table at this time that this process has not seen.</summary>
    public void SeeAll() => _seenUntil = round.Now;

    /// <summary>Reads what other processes have published, as far as the subscribers have room for it.</summary>
    public void ReadNew(Deliveries deliveries)
    {
        IsBehind = true;
        while (deliveries.HasRoom)
        {
            if (round.Now - _seenUntil >= Transit.Ticks)
            {
                deliveries.AddDoubt(); // what was published since then may have been there and gone
                SeeAll();
            }
            var count = 0;
            _read.Bind(1, _lastRead).Bind(2, ReadAtOnce);
            for (; _read.Step(); count++)
            {
                (_lastRead, _seenUntil) = (_read.Number(0), Math.Max(_seenUntil, _read.Number(5)));
                var topic = _read.Text(1)!;
                if (deliveries.IsSubscribed(topic))
                    deliveries.Add(new Publication(topic, new BackplaneMessage(new Position(_read.Number(2), _read.Number(3)), _read.Bytes(4).ToArray())));
            }
            _read.Reset();
            if (count == ReadAtOnce)
                continue;
            IsBehind = false;
            SeeAll();
            while (_marks.TryDequeue(out var passed))
                deliveries.AddMark(passed);
            return;
        }
    }

    /// <summary>Completes the task when this process's subscribers have been handed all that was published before this transaction.</summary>
    public void Mark(Deliveries deliveries, TaskCompletionSource passed)
    {
        if (IsBehind)
            _marks.Enqueue(passed);
        else
            deliveries.AddMark(passed);
    }

    /// <summary>The transaction is on disk: what it published goes to this process's subscribers, after what was published before it.</summary>
    public void Committed(Deliveries deliveries)
    {
        if (!IsBehind)
        {
            foreach (var (number, publication) in _own)
            {
                _lastRead = Math.Max(_lastRead, number);
                if (deliveries.IsSubscribed(publication.Topic))
                    deliveries.Add(publication);
            }
        }
        _own.Clear();
    }

    public void RolledBack() => _own.Clear();

    /// <summary>Deletes what nobody needs any more.</summary>
    /// <returns>How many messages; as many as the limit when there may be more.</returns>
    public int Forget(int limit)
    {
        topics.Forget();
        return _forget.Bind(1, round.Now).Bind(2, limit).RunCounting();
    }

    private Position Append(string topic, Retention retention)
    {
        var (position, firstOut, lastOut) = topics.Append(topic, retention);
        // Other processes still have to read what falls out.
        if (lastOut > 0)
        {
            var until = round.Now + Transit.Ticks;
            _trim.Bind(1, topic).Bind(2, firstOut).Bind(3, lastOut).Bind(4, until).Run();
            round.SweepAt(until);
        }
        return position;
    }

    private static long? Earlier(long? one, long? other) => one is null || other < one ? other : one;
}
