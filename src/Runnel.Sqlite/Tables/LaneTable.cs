using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>The lanes: for each key of a channel the chain of its messages. All but the first are blocked.</summary>
internal sealed class LaneTable(Database database)
{
    private readonly Statement _findTail = database.Prepare(SqliteStatements.FindTail);
    private readonly Statement _setTail = database.Prepare(SqliteStatements.SetTail);
    private readonly Statement _delete = database.Prepare(SqliteStatements.DeleteLane);
    private readonly Statement _setNext = database.Prepare(SqliteStatements.SetNext);
    private readonly Statement _setPrevious = database.Prepare(SqliteStatements.SetPrevious);
    private readonly Statement _readChain = database.Prepare(SqliteStatements.ReadChain);

    /// <summary>Appends a message, whose row need not be there yet.</summary>
    /// <returns>The message before it, behind which it is blocked; <see langword="null"/> when it is the head.</returns>
    public long? Append(long channel, string lane, long message)
    {
        var tail = _findTail.Bind(1, channel).Bind(2, lane).ReadNumber();
        if (tail is not null)
            _setNext.Bind(1, tail.Value).Bind(2, message).Run();
        _setTail.Bind(1, channel).Bind(2, lane).Bind(3, message).Run();
        return tail;
    }

    /// <summary>The lane's last message is gone.</summary>
    public void Delete(long channel, string lane) => _delete.Bind(1, channel).Bind(2, lane).Run();

    /// <summary>A message's neighbours in its lane, and its state.</summary>
    public (long? Next, long? Previous, long State) Read(long message)
    {
        _readChain.Bind(1, message).Step();
        var (next, previous, state) = (_readChain.NumberOrNull(0), _readChain.NumberOrNull(1), _readChain.Number(2));
        _readChain.Reset();
        return (next, previous, state);
    }

    /// <summary>Takes out a message that is blocked behind another one.</summary>
    public void Unlink(long channel, string lane, long? next, long previous)
    {
        _setNext.Bind(1, previous).Bind(2, next).Run();
        if (next is null)
            _setTail.Bind(1, channel).Bind(2, lane).Bind(3, previous).Run();
        else
            _setPrevious.Bind(1, next.Value).Bind(2, previous).Run();
    }
}
