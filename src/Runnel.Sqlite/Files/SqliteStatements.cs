namespace Runnel.Sqlite.Files;

/// <summary>Every statement that runs against the tables of <see cref="SqliteSchema"/>.</summary>
internal static class SqliteStatements
{
    public const string
        DataVersion = "PRAGMA data_version",
        MakeIdentity = "CREATE TABLE IF NOT EXISTS identity(id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL); INSERT OR IGNORE INTO identity VALUES (1, random())",
        ReadIdentity = "SELECT value FROM identity WHERE id = 1",
        FreePages = "PRAGMA freelist_count",
        ReadSequence = "SELECT last FROM sequence WHERE id = 1",
        WriteSequence = "UPDATE sequence SET last = ?1 WHERE id = 1";

    public const string
        FindChannel = "SELECT id, held, total, wanted, name FROM channel WHERE name = ?1",
        FindChannelById = "SELECT id, held, total, wanted, name FROM channel WHERE id = ?1",
        InsertChannel = "INSERT INTO channel VALUES (?1, ?2, 0, 0, 0)",
        UpdateChannel = "UPDATE channel SET held = ?2, total = ?3, wanted = ?4 WHERE id = ?1",
        DeleteChannel = "DELETE FROM channel WHERE id = ?1";

    public const string
        InsertMessage = "INSERT INTO message VALUES (?1, ?2, ?3, ?1, ?4, NULL, ?11, NULL, NULL, ?5, ?6, ?12, ?7, ?8, ?9, ?10)",
        InsertLarge = "INSERT OR REPLACE INTO large VALUES (?1, ?2)",
        ReadLarge = "SELECT body FROM large WHERE id = ?1",
        DeleteLarge = "DELETE FROM large WHERE id = ?1",
        DeleteMessage = "DELETE FROM message WHERE id = ?1",
        FindDue = "SELECT id FROM message INDEXED BY message_scheduled WHERE channel = ?1 AND state = 3 AND due <= ?2 ORDER BY due, place LIMIT ?3",
        NextDue = "SELECT due FROM message INDEXED BY message_scheduled WHERE channel = ?1 AND state = 3 ORDER BY due LIMIT 1",
        HasReady = "SELECT 1 FROM message INDEXED BY message_ready WHERE channel = ?1 AND state = 0 LIMIT 1",
        Place = "UPDATE message SET state = ?2, place = ?3 WHERE id = ?1",
        FindReady = """
            SELECT id, attempt, crashes, body, expires, lane FROM message INDEXED BY message_ready
            WHERE channel = ?1 AND state = 0 ORDER BY place LIMIT ?2
            """,
        Claim = "UPDATE message SET state = 1, owner = ?2, claim = ?3 WHERE id = ?1";

    public const string
        FindTail = "SELECT tail FROM lane WHERE channel = ?1 AND name = ?2",
        SetTail = "INSERT OR REPLACE INTO lane VALUES (?1, ?2, ?3)",
        DeleteLane = "DELETE FROM lane WHERE channel = ?1 AND name = ?2",
        SetNext = "UPDATE message SET next = ?2 WHERE id = ?1",
        SetPrevious = "UPDATE message SET previous = ?2 WHERE id = ?1",
        ReadChain = "SELECT next, previous, state FROM message WHERE id = ?1",
        ReadDue = "SELECT due FROM message WHERE id = ?1";

    // Fenced: a message is settled only by the claim that it was handed out under.
    public const string
        Complete = "DELETE FROM message WHERE id = ?1 AND claim = ?2 AND state = 1",
        CompleteInLane = "DELETE FROM message WHERE id = ?1 AND claim = ?2 AND state = 1 RETURNING next",
        GiveBack = """
            UPDATE message SET state = ?3, due = ?4, attempt = attempt + ?5, owner = NULL, claim = NULL
            WHERE id = ?1 AND claim = ?2 AND state = 1
            """,
        ReplaceBody = "UPDATE message SET body = ?2 WHERE id = ?1",
        PutAside = """
            UPDATE message SET state = 4, owner = NULL, claim = NULL, attempt = attempt + ?3
            WHERE id = ?1 AND claim = ?2 AND state = 1 RETURNING next
            """;

    public const string
        FindByUid = """
            SELECT id, channel, lane, body IS NULL FROM message
            WHERE uid = ?1 AND channel = ?2 AND state IN (0, 2, 3) AND (expires IS NULL OR expires > ?3)
            """,
        FindExpired = """
            SELECT id, channel, lane, body IS NULL FROM message INDEXED BY message_expiry
            WHERE expires <= ?1 AND expires IS NOT NULL AND state IN (0, 2, 3) ORDER BY expires LIMIT ?2
            """,
        NextExpiry = "SELECT expires FROM message INDEXED BY message_expiry WHERE expires IS NOT NULL AND state IN (0, 2, 3) ORDER BY expires LIMIT 1";

    public const string
        InsertDead = "INSERT INTO dead VALUES (?1, ?2, ?3, ?4, ?5)",
        DeleteDead = "DELETE FROM dead WHERE id = ?1",
        FindAgedDead = "SELECT d.id, d.channel, m.body IS NULL FROM dead d JOIN message m ON m.id = d.id WHERE d.at <= ?1 ORDER BY d.at LIMIT ?2",
        NextDead = "SELECT at FROM dead ORDER BY at LIMIT 1",
        Revive = "UPDATE message SET state = ?2, place = ?3, next = NULL, previous = ?4, due = 0, expires = NULL, attempt = 0, crashes = 0 WHERE id = ?1",
        ListDead = """
            SELECT d.id, d.at, d.reason, d.error, m.attempt, m.crashes, m.uid, m.lane, m.body IS NULL,
                   coalesce(m.body, (SELECT body FROM large WHERE id = d.id)), m.expires
            FROM dead d JOIN message m ON m.id = d.id WHERE d.channel = ?1 ORDER BY d.at, d.id
            """;

    public const string
        FindRemembered = "SELECT until FROM remembered WHERE channel = ?1 AND id = ?2",
        Remember = "INSERT OR REPLACE INTO remembered VALUES (?1, ?2, ?3)",
        Forget = "DELETE FROM remembered WHERE until <= ?1",
        NextForgotten = "SELECT until FROM remembered ORDER BY until LIMIT 1";

    public const string
        ListNodes = "SELECT id, name FROM node",
        InsertNode = "INSERT INTO node VALUES (?1, ?2)",
        DeleteNode = "DELETE FROM node WHERE id = ?1",
        InsertWorker = "INSERT OR IGNORE INTO worker VALUES (?1, ?2, 2147483647)",
        DeleteWorker = "DELETE FROM worker WHERE id = ?1",
        ListWorkers = "SELECT id FROM worker WHERE node = ?1",
        ListHolders = """
            SELECT DISTINCT node FROM worker w
            WHERE EXISTS (SELECT 1 FROM message INDEXED BY message_claimed WHERE owner = w.id AND state = 1)
            """,
        FindClaimed = """
            SELECT id, channel, claim, expires FROM message INDEXED BY message_claimed
            WHERE owner = ?1 AND state = 1
            """,
        CountCrash = "UPDATE message SET crashes = crashes + 1, expires = NULL WHERE id = ?1";

    public const string
        ListChannels = """
            SELECT c.name,
                   count(m.id) FILTER (WHERE m.state = 0 OR m.state = 3 AND m.due <= ?1),
                   count(m.id) FILTER (WHERE m.state = 3 AND m.due > ?1),
                   count(m.id) FILTER (WHERE m.state = 2),
                   count(m.id) FILTER (WHERE m.state = 1),
                   count(m.id) FILTER (WHERE m.state = 4),
                   min(CASE WHEN m.state = 0 OR m.state = 3 AND m.due <= ?1 THEN m.sent END)
            FROM channel c JOIN message m ON m.channel = c.id
            GROUP BY c.id ORDER BY c.name
            """,
        FlushQueues = "DELETE FROM message; DELETE FROM large; DELETE FROM dead; DELETE FROM lane; DELETE FROM remembered; DELETE FROM channel";

    public const string
        InsertPublication = "INSERT INTO publication VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        LatestPublication = "SELECT coalesce(max(id), 0) FROM publication WHERE id < ?1",
        ReadPublications = "SELECT id, topic, epoch, position, payload, at FROM publication WHERE id > ?1 ORDER BY id LIMIT ?2",
        ForgetPublications = "DELETE FROM publication WHERE id IN (SELECT id FROM publication WHERE until <= ?1 ORDER BY until LIMIT ?2)",
        NextPublicationEnd = "SELECT until FROM publication ORDER BY until LIMIT 1",
        TrimHistory = """
            UPDATE publication SET until = min(until, ?4) WHERE topic = ?1 AND position >= ?2 AND position <= ?3
            """,
        FindTopic = """
            SELECT epoch, latest, messages, age FROM topic
            WHERE name = ?1 AND (until IS NULL OR until > ?2 OR EXISTS (SELECT 1 FROM interest WHERE topic = name))
            """,
        WriteTopic = "INSERT OR REPLACE INTO topic VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        ForgetTopics = "DELETE FROM topic WHERE until <= ?1 AND NOT EXISTS (SELECT 1 FROM interest WHERE topic = name)",
        KeepTopics = "UPDATE topic SET until = NULL WHERE until <= ?1",
        LetGoOfTopic = "UPDATE topic SET until = ?2 WHERE name = ?1 AND until IS NULL AND NOT EXISTS (SELECT 1 FROM interest WHERE topic = name)",
        LetGoOfTopics = "UPDATE topic SET until = ?1 WHERE until IS NULL AND NOT EXISTS (SELECT 1 FROM interest WHERE topic = name)",
        NextTopicEnd = "SELECT until FROM topic WHERE until IS NOT NULL ORDER BY until LIMIT 1",
        BeginEpochOfHistories = "UPDATE publication SET epoch = ?1 WHERE position IS NOT NULL AND epoch = (SELECT epoch FROM topic WHERE name = topic)",
        BeginEpochOfTopics = "UPDATE topic SET epoch = ?1",
        AddInterest = "INSERT OR IGNORE INTO interest VALUES (?1, ?2)",
        RemoveInterest = "DELETE FROM interest WHERE topic = ?1 AND node = ?2",
        RemoveInterests = "DELETE FROM interest WHERE node = ?1",
        HasOtherInterest = "SELECT 1 FROM interest WHERE topic = ?1 AND node <> ?2 LIMIT 1",
        ReadHistory = """
            SELECT position, payload FROM publication
            WHERE topic = ?1 AND position > ?2 AND epoch = ?3 AND at > ?4 ORDER BY position LIMIT ?5
            """,
        FirstKept = """
            SELECT position FROM publication
            WHERE topic = ?1 AND position > ?2 AND epoch = ?3 AND at > ?4 ORDER BY position LIMIT 1
            """;
}
