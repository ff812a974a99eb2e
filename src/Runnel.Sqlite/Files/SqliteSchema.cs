namespace Runnel.Sqlite.Files;

/// <summary>The tables. Times are UTC ticks; every identity and every place in a line comes from the one sequence.</summary>
internal static class SqliteSchema
{
    public const string Create = """
        CREATE TABLE sequence(id INTEGER PRIMARY KEY CHECK (id = 1), last INTEGER NOT NULL);
        INSERT INTO sequence VALUES (1, 0);

        -- A process. Its row goes when it leaves, or when another one finds its lock file unlocked.
        CREATE TABLE node(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        -- crash_limit is read by older processes only: so large that they put nothing aside.
        CREATE TABLE worker(id INTEGER PRIMARY KEY, node INTEGER NOT NULL, crash_limit INTEGER NOT NULL);

        -- Here while a channel has messages. held: ready, blocked and scheduled; total: those, the claimed and the dead;
        -- wanted: somebody waits for room.
        CREATE TABLE channel(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, held INTEGER NOT NULL, total INTEGER NOT NULL, wanted INTEGER NOT NULL);

        -- state: 0 ready, 1 claimed, 2 blocked behind another one of its lane, 3 scheduled, 4 dead. What changes stands in front of the body.
        -- The messages of one key are a chain through next and previous, from the lane's head, which is not blocked, to its tail. A chain, and not an
        -- index by key: that would be written all over for each message (measured: 6.5 KB of log each with 1,000 keys, and a third fewer messages).
        CREATE TABLE message(
            id INTEGER PRIMARY KEY, channel INTEGER NOT NULL, state INTEGER NOT NULL, place INTEGER NOT NULL, due INTEGER NOT NULL,
            next INTEGER, previous INTEGER, owner INTEGER, claim INTEGER, attempt INTEGER NOT NULL, crashes INTEGER NOT NULL,
            sent INTEGER NOT NULL, expires INTEGER, lane TEXT, uid BLOB NOT NULL, body BLOB);
        CREATE INDEX message_ready ON message(channel, place) WHERE state = 0;
        CREATE INDEX message_claimed ON message(owner) WHERE state = 1;
        CREATE INDEX message_scheduled ON message(channel, due, place) WHERE state = 3;
        CREATE INDEX message_expiry ON message(expires) WHERE expires IS NOT NULL AND state IN (0, 2, 3);
        CREATE INDEX message_uid ON message(uid);

        CREATE TABLE lane(channel INTEGER NOT NULL, name TEXT NOT NULL, tail INTEGER NOT NULL, PRIMARY KEY (channel, name)) WITHOUT ROWID;

        -- The bytes of a large message, so that the table that is walked stays small; message.body is null then.
        CREATE TABLE large(id INTEGER PRIMARY KEY, body BLOB NOT NULL);

        CREATE TABLE dead(id INTEGER PRIMARY KEY, channel INTEGER NOT NULL, at INTEGER NOT NULL, reason INTEGER NOT NULL, error TEXT);
        CREATE INDEX dead_channel ON dead(channel, at);
        CREATE INDEX dead_at ON dead(at);

        CREATE TABLE remembered(channel TEXT NOT NULL, id TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (channel, id)) WITHOUT ROWID;
        CREATE INDEX remembered_until ON remembered(until);

        -- A message of the backplane, here until the other processes have surely read it and its topic's history has let go of it.
        CREATE TABLE publication(
            id INTEGER PRIMARY KEY, until INTEGER NOT NULL, at INTEGER NOT NULL, topic TEXT NOT NULL,
            epoch INTEGER NOT NULL, position INTEGER, payload BLOB NOT NULL);
        CREATE INDEX publication_history ON publication(topic, position) WHERE position IS NOT NULL;
        CREATE INDEX publication_until ON publication(until);
        -- until: when its position is forgotten, which outlives the messages; null once that has come while somebody subscribes to it, for whom it goes on.
        CREATE TABLE topic(
            name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, latest INTEGER NOT NULL, messages INTEGER NOT NULL, age INTEGER NOT NULL, until INTEGER)
            WITHOUT ROWID;
        CREATE INDEX topic_until ON topic(until) WHERE until IS NOT NULL;
        CREATE TABLE interest(topic TEXT NOT NULL, node INTEGER NOT NULL, PRIMARY KEY (topic, node)) WITHOUT ROWID;
        CREATE INDEX interest_node ON interest(node);
        """;

    /// <summary>Makes the tables, or sees that they are those known here. Several processes may do so at once.</summary>
    public static void Prepare(Database database)
    {
        database.Begin();
        try
        {
            var version = database.ReadNumber("PRAGMA user_version");
            if (version > SqliteNames.SchemaVersion)
            {
                throw new InvalidOperationException(
                    $"The database '{database.Path}' was written by a newer Runnel (schema {version}; {SqliteNames.SchemaVersion} is known here). Update this program, or give it another file.");
            }
            if (version == 0)
                CreateIn(database);
            database.Commit();
        }
        catch
        {
            database.Rollback();
            throw;
        }
    }

    private static void CreateIn(Database database)
    {
        if (database.ReadNumber("SELECT count(*) FROM sqlite_master") > 0)
            throw new InvalidOperationException($"The database '{database.Path}' holds tables that are not Runnel's. Give Runnel a file of its own.");
        database.Execute(Create);
        database.Execute($"PRAGMA user_version = {SqliteNames.SchemaVersion}");
    }
}
