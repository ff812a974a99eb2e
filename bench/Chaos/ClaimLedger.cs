using System.Globalization;
using Runnel.Sqlite.Files;

namespace Runnel.Bench;

/// <summary>Looks into the store from outside: what a process holds, what is left.</summary>
internal sealed class ClaimLedger(string path) : IDisposable
{
    private const string LockExtension = ".lock";

    // Which channels workers have taken from is remembered beyond them, and what processes say to each other waits some seconds for those who are to hear it.
    private static readonly string[] AllowedTopics = ["state:consumed.%", "runnel:greetings", "runnel:nodes"];

    // What is there when nothing else is: the sequence's one row, and the number that tells this file from others.
    private static readonly string[] AllowedTables = ["sequence", "identity"];

    private readonly Database _database = Database.OpenForReading(path);

    /// <summary>How many messages are on the channels, in whatever state.</summary>
    public long Messages => _database.ReadNumber("SELECT count(*) FROM message");

    /// <summary>How many processes the file knows.</summary>
    public long Nodes => _database.ReadNumber("SELECT count(*) FROM node");

    /// <summary>How many messages a process holds, which is known by the lock file that it has open.</summary>
    public long HeldBy(int processId)
    {
        var node = NodeOf(processId);
        return node is null ? 0 : _database.ReadNumber(string.Create(
            CultureInfo.InvariantCulture,
            $"SELECT count(*) FROM message WHERE state = 1 AND owner IN (SELECT w.id FROM worker w JOIN node n ON n.id = w.node WHERE n.name = '{node}')"));
    }

    /// <summary>The rows that should not be there when all work is done and all processes have left, table by table.</summary>
    public IReadOnlyDictionary<string, long> RowsLeft()
    {
        var tables = Enumerable.Range(0, (int)_database.ReadNumber("SELECT count(*) FROM sqlite_master WHERE type = 'table'")).Select(NameOf);
        return tables.Except(AllowedTables).ToDictionary(table => table, table => _database.ReadNumber($"SELECT count(*) FROM {table}{Unless(table)}"));
    }

    public void Dispose() => _database.Dispose();

    private static string Unless(string table) => table switch
    {
        "topic" => $" WHERE {IsNoneOf("name", AllowedTopics)}",
        "publication" => $" WHERE {IsNoneOf("topic", AllowedTopics)}",
        _ => "",
    };

    private static string IsNoneOf(string column, IEnumerable<string> patterns) => string.Join(" AND ", patterns.Select(pattern => $"{column} NOT LIKE '{pattern}'"));

    private string NameOf(int table)
    {
        var statement = _database.Prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name LIMIT 1 OFFSET ?1").Bind(1, (long)table);
        statement.Step();
        var name = statement.Text(0)!;
        statement.Reset();
        return name;
    }

    private static string? NodeOf(int processId)
    {
        var open = Directory.EnumerateFileSystemEntries($"/proc/{processId}/fd").Select(file => File.ResolveLinkTarget(file, returnFinalTarget: false)?.FullName);
        return Path.GetFileNameWithoutExtension(open.FirstOrDefault(target => target?.EndsWith(LockExtension, StringComparison.Ordinal) == true));
    }
}
