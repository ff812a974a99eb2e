namespace Runnel.Nodes;

/// <summary>Something that a node has to say, until it has been said.</summary>
internal sealed class NodeErrand
{
    private int _wanted;
    private int _done;

    public bool IsOpen => Volatile.Read(ref _done) != Volatile.Read(ref _wanted);

    /// <summary>It has to be said, perhaps once more.</summary>
    public void Want() => Interlocked.Increment(ref _wanted);

    /// <summary>Begins to say it.</summary>
    /// <returns>What to call when it has been said. If it was wanted again meanwhile, it stays open.</returns>
    public Action Begin()
    {
        var wanted = Volatile.Read(ref _wanted);
        return () => Volatile.Write(ref _done, wanted);
    }
}
