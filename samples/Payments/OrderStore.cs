using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Payments;

/// <summary>The orders, in a SQLite file that the web and the worker processes share.</summary>
/// <remarks>
/// Each step of a payment is one statement that names the states it may leave, so two processes that meet at one order cannot lose each other's
/// step. Thread-safe; who waits for the connection holds no thread.
/// </remarks>
internal sealed class OrderStore : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly TimeProvider _clock;

    public OrderStore(DataFolder folder, TimeProvider clock)
    {
        _clock = clock;
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = folder.PathOf("orders.db"), Pooling = false }.ToString());
        _connection.Open();
        using var command = _connection.CreateCommand();
        command.CommandText = """
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            CREATE TABLE IF NOT EXISTS orders (
                id TEXT PRIMARY KEY, state INTEGER NOT NULL, transaction_id TEXT, attempts INTEGER NOT NULL, error TEXT,
                nonce TEXT NOT NULL, total TEXT NOT NULL, revision INTEGER NOT NULL, updated_at INTEGER NOT NULL, owner TEXT) WITHOUT ROWID;
            """;
        command.ExecuteNonQuery();
        AddOwner();
    }

    public async Task<Order?> FindAsync(string id) => Single(await QueryAsync("SELECT * FROM orders WHERE id = $id", ("$id", id)));

    /// <summary>The visitor's orders that changed last, newest first.</summary>
    public Task<IReadOnlyList<Order>> ListAsync(string? owner, int limit) =>
        QueryAsync("SELECT * FROM orders WHERE owner IS $owner ORDER BY updated_at DESC LIMIT $limit", ("$owner", OrNull(owner)), ("$limit", limit));

    /// <summary>Orders without an end that nothing has happened to since.</summary>
    public Task<IReadOnlyList<Order>> ListForgottenAsync(DateTimeOffset since, int limit) => QueryAsync(
        "SELECT * FROM orders WHERE state IN ($pending, $charging, $settling) AND updated_at < $since ORDER BY updated_at LIMIT $limit",
        ("$since", since.UtcTicks), ("$limit", limit));

    /// <summary>Takes an order in, or takes another nonce for one that was declined or is dead.</summary>
    /// <returns>The order; <see langword="null"/> when there is one already that is not to be paid anew.</returns>
    public async Task<Order?> PayAsync(string id, string? owner, string nonce, decimal total) => Single(await QueryAsync(
        """
        INSERT INTO orders (id, state, attempts, nonce, total, revision, updated_at, owner) VALUES ($id, $pending, 0, $nonce, $total, 1, $now, $owner)
        ON CONFLICT (id) DO UPDATE SET state = $pending, attempts = 0, error = NULL, nonce = $nonce, total = $total, revision = revision + 1, updated_at = $now
        WHERE transaction_id IS NULL AND state IN ($declined, $dead) AND owner IS $owner RETURNING *
        """,
        ("$id", id), ("$owner", OrNull(owner)), ("$nonce", nonce), ("$total", total.ToString(CultureInfo.InvariantCulture))));

    /// <summary>Repairs an order that is not charged: another nonce, nothing else. What waits for it will find it repaired.</summary>
    public async Task<Order?> RepairAsync(string id, string nonce) => Single(await QueryAsync(
        "UPDATE orders SET nonce = $nonce, attempts = 0, revision = revision + 1, updated_at = $now WHERE id = $id AND transaction_id IS NULL RETURNING *",
        ("$id", id), ("$nonce", nonce)));

    /// <summary>The gateway is about to be asked.</summary>
    /// <returns>The order; <see langword="null"/> when it is charged or declined already.</returns>
    public async Task<Order?> BeginAttemptAsync(string id) => Single(await QueryAsync(
        "UPDATE orders SET state = $charging, attempts = attempts + 1, updated_at = $now WHERE id = $id AND transaction_id IS NULL AND state <> $declined RETURNING *",
        ("$id", id)));

    public async Task<Order?> DeclineAsync(string id, string reason) => Single(await QueryAsync(
        "UPDATE orders SET state = $declined, error = $error, updated_at = $now WHERE id = $id AND transaction_id IS NULL RETURNING *", ("$id", id), ("$error", reason)));

    /// <summary>The attempt failed.</summary>
    public async Task<Order?> FailAsync(string id, string error, bool isDead) => Single(await QueryAsync(
        "UPDATE orders SET state = $state, error = $error, updated_at = $now WHERE id = $id AND state = $charging RETURNING *",
        ("$id", id), ("$error", error), ("$state", (int)(isDead ? OrderState.Dead : OrderState.Charging))));

    /// <summary>The order's message was given up at this time, unless something has happened to the order since.</summary>
    public async Task<Order?> BuryAsync(string id, string? error, DateTimeOffset at) => Single(await QueryAsync(
        "UPDATE orders SET state = $dead, error = $error WHERE id = $id AND state IN ($pending, $charging) AND updated_at <= $at RETURNING *",
        ("$id", id), ("$error", error ?? "Its message was given up."), ("$at", at.UtcTicks)));

    public async Task<Order?> ChargedAsync(string id, string transactionId) => Single(await QueryAsync(
        "UPDATE orders SET state = $settling, transaction_id = $transaction, error = NULL, updated_at = $now WHERE id = $id AND transaction_id IS NULL RETURNING *",
        ("$id", id), ("$transaction", transactionId)));

    public async Task<Order?> SettledAsync(string id) => Single(await QueryAsync(
        "UPDATE orders SET state = $paid, updated_at = $now WHERE id = $id AND state = $settling RETURNING *", ("$id", id)));

    public void Dispose()
    {
        _connection.Dispose();
        _turn.Dispose();
    }

    private async Task<IReadOnlyList<Order>> QueryAsync(string sql, params (string Name, object Value)[] parameters)
    {
        await _turn.WaitAsync();
        try
        {
            using var command = _connection.CreateCommand();
            command.CommandText = sql;
            foreach (var (name, value) in parameters)
                command.Parameters.AddWithValue(name, value);
            foreach (var state in Enum.GetValues<OrderState>())
                AddIfUsed(command, "$" + state.ToString().ToLowerInvariant(), (int)state);
            AddIfUsed(command, "$now", _clock.GetUtcNow().UtcTicks);
            using var reader = command.ExecuteReader();
            var orders = new List<Order>();
            while (reader.Read())
                orders.Add(Read(reader));
            return orders;
        }
        finally
        {
            _turn.Release();
        }
    }

    // Files of earlier versions have no owners. In a transaction: several processes may open the file at once.
    private void AddOwner()
    {
        using var transaction = _connection.BeginTransaction();
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT COUNT(*) FROM pragma_table_info('orders') WHERE name = 'owner'";
        if (command.ExecuteScalar() is 0L)
        {
            command.CommandText = "ALTER TABLE orders ADD COLUMN owner TEXT";
            command.ExecuteNonQuery();
        }
        transaction.Commit();
    }

    private static object OrNull(string? text) => text ?? (object)DBNull.Value;

    private static void AddIfUsed(SqliteCommand command, string name, long value)
    {
        if (command.CommandText.Contains(name, StringComparison.Ordinal))
            command.Parameters.AddWithValue(name, value);
    }

    private static Order Read(SqliteDataReader reader) =>
        new(reader.GetString(0), (OrderState)reader.GetInt32(1), reader.IsDBNull(2) ? null : reader.GetString(2), reader.GetInt32(3), reader.IsDBNull(4) ? null : reader.GetString(4))
        {
            Nonce = reader.GetString(5),
            Total = decimal.Parse(reader.GetString(6), CultureInfo.InvariantCulture),
            Revision = reader.GetInt32(7),
            UpdatedAt = new DateTimeOffset(reader.GetInt64(8), TimeSpan.Zero),
            Owner = reader.IsDBNull(9) ? null : reader.GetString(9),
        };

    private static Order? Single(IReadOnlyList<Order> orders) => orders is [var only] ? only : null;
}
