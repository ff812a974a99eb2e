using Runnel.Layers;

namespace Runnel.Sqlite;

/// <summary>The processes that have the file open. Each holds a lock for as long as it lives, so nobody has to write to say so.</summary>
internal sealed class SqliteProofOfLife(SqliteStore store) : IProofOfLife
{
    public string Process => store.Writer.Neighbours.Self.Name;

    public event Action? Changed
    {
        add => store.Writer.Neighbours.Changed += value;
        remove => store.Writer.Neighbours.Changed -= value;
    }

    public bool Lives(string process) => store.Writer.Neighbours.Lives(process);
}
