using Runnel.Sqlite.Files;

namespace Runnel.Sqlite.Tables;

/// <summary>The deduplication ids that were used within their windows.</summary>
internal sealed class DeduplicationTable(Database database)
{
    private readonly Statement _find = database.Prepare(SqliteStatements.FindRemembered);
    private readonly Statement _remember = database.Prepare(SqliteStatements.Remember);
    private readonly Statement _forget = database.Prepare(SqliteStatements.Forget);
    private readonly Statement _next = database.Prepare(SqliteStatements.NextForgotten);

    /// <summary>When the next window ends.</summary>
    public long? NextEnd => _next.ReadNumber();

    public bool Contains(string channel, string id, long now) => _find.Bind(1, channel).Bind(2, id).ReadNumber() > now;

    public void Add(string channel, string id, long until) => _remember.Bind(1, channel).Bind(2, id).Bind(3, until).Run();

    public void Forget(long now) => _forget.Bind(1, now).Run();
}
