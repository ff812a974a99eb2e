using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.Layers;
using Runnel.Redis.Connections;
using Runnel.Redis.Resp;
using Runnel.Redis.Stores;

namespace Runnel.Redis;

/// <summary>A Redis server: what the backplane and the work queue of one process stand on, and share.</summary>
public sealed class RedisStore : IAsyncDisposable
{
    // Goes up with a change of RedisKeys, or of what they hold, that a process of the version before could not live with.
    internal const string Format = "1";

    private readonly TimeProvider _timeProvider;
    private long _requests;
    private object? _unnoted;
    private string? _server;
    private bool _isOtherServer;

    /// <summary>Creates the store; nothing is connected to yet.</summary>
    /// <param name="options">Where Redis is, and how it is used.</param>
    /// <param name="timeProvider">The clock. The system's stands for that of the Redis server, which all processes share; another is for tests.</param>
    /// <param name="logger">Where it says what befalls it.</param>
    /// <exception cref="FormatException">The address is not valid, or a key for encryption is not.</exception>
    /// <exception cref="OptionsValidationException">An option is out of its range.</exception>
    public RedisStore(RedisOptions options, TimeProvider timeProvider, ILogger<RedisStore> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        var address = RedisAddress.Parse(options.Address);
        options.Prefix = address.Prefix ?? options.Prefix;
        OptionsCheck.ThrowIfInvalid(options);
        (Options, _timeProvider, Logger) = (options, timeProvider, logger);
        Keys = new RedisKeys(options.Prefix, address.Database);
        Sealing = new Sealing([.. options.EncryptionKeys, .. address.ReadKeys()]);
        Dialer = new RedisDialer(address, options.Prefix, options.Timeout);
        Outage = new RedisOutage(address.ToString(), TimeProvider.System, logger);
        Commands = new RedisClient(Dialer, options, Outage, LoadScripts) { OnConnectedChanged = OnConnectedChanged };
    }

    internal RedisOptions Options { get; }

    internal ILogger Logger { get; }

    internal RedisKeys Keys { get; }

    internal Sealing Sealing { get; }

    internal RedisDialer Dialer { get; }

    internal RedisOutage Outage { get; }

    /// <summary>The connection that all commands share; blocking ones and subscriptions have connections of their own.</summary>
    internal RedisClient Commands { get; }

    internal TimeProvider TimeProvider => _timeProvider;

    /// <summary>This process's name among all.</summary>
    internal string Node { get; } = Guid.NewGuid().ToString("N")[..12];

    /// <summary>The time that scripts are given, in microseconds: 0 for the server's own.</summary>
    internal long ScriptTime => _timeProvider == TimeProvider.System ? 0 : Now;

    /// <summary>The time that scripts go by, in microseconds since 1970.</summary>
    internal async ValueTask<long> GetTimeAsync(CancellationToken cancellationToken)
    {
        if (ScriptTime is not 0 and var time)
            return time;
        var answer = (await Commands.ExecuteAsync(RespWriter.Encode("TIME")).WaitAsync(cancellationToken).ConfigureAwait(false)).Items;
        return (answer[0].AsNumber() * 1_000_000) + answer[1].AsNumber();
    }

    /// <summary>The time here, in microseconds since 1970; other machines may have another.</summary>
    private long Now => (_timeProvider.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    internal event Action<bool>? ConnectedChanged;

    /// <summary>Raised when this process is connected to another server than before, or to one that was started again: it may lack what was written last.</summary>
    internal event Action? ServerChanged;

    /// <summary>For how long the answer to what must not be done twice is kept: longer than it may take until it is asked for again.</summary>
    internal TimeSpan AnswersAreKept => Options.Timeout + Options.OutageTimeout + TimeSpan.FromMinutes(1);

    /// <summary>
    /// Set while the connected server refuses to be noted; each connection has another object. Whoever adds to a history then has to note the server first.
    /// Otherwise the history may go on where that of another server ended.
    /// </summary>
    internal object? Unnoted => Volatile.Read(ref _unnoted);

    /// <summary>The server was noted.</summary>
    internal void Noted(object unnoted) => Interlocked.CompareExchange(ref _unnoted, null, unnoted);

    /// <summary>A number that no other request of this process has.</summary>
    internal long NextRequest() => Interlocked.Increment(ref _requests);

    /// <summary>Connects, and checks that the server is one that nothing gets lost on.</summary>
    /// <exception cref="IOException">Redis cannot be reached, or refuses; the message says why, and what to do.</exception>
    /// <exception cref="InvalidOperationException">It is too old, may delete what is stored, or holds what another version of Runnel has stored; the message says what to change.</exception>
    public async Task OpenAsync(CancellationToken cancellationToken = default)
    {
        await Commands.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var asked = Now;
            Check(await AskAsync("INFO").ConfigureAwait(false), asked);
            // A user may have no right to our names: better told now than with the first message.
            var known = await AskAsync("EXISTS", Keys.Channels, Keys.Identity).ConfigureAwait(false);
            await AskAsync("PUBLISH", Keys.Channels, "").ConfigureAwait(false);
            CheckFormat(await AskAsync("GET", Keys.Format).ConfigureAwait(false));
            // Where nothing is stored, whoever only looks leaves nothing. The first that stores something notes the format there.
            if (known != "0")
                await NoteAsync((Keys.Format, Format)).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (RedisErrorException refusal)
        {
            throw new RedisUnavailableException(Dialer.Explain(refusal), refusal);
        }

        async Task<string> AskAsync(params string[] words) =>
            (await Commands.ExecuteAsync(RespWriter.Encode(words)).WaitAsync(cancellationToken).ConfigureAwait(false)).ToString();
    }

    /// <summary>What tells the data under this prefix from any other's: a random value, which the first who asks stores.</summary>
    internal async Task<string> GetIdentityAsync(CancellationToken cancellationToken)
    {
        var refusal = await NoteAsync((Keys.Identity, Guid.NewGuid().ToString("N")), (Keys.Format, Format)).WaitAsync(cancellationToken).ConfigureAwait(false);
        var identity = await Commands.ExecuteAsync(RespWriter.Encode("GET", Keys.Identity)).WaitAsync(cancellationToken).ConfigureAwait(false); // another process may have been faster
        if (identity.IsNull && refusal is not null)
            throw new RedisUnavailableException(Dialer.Explain(refusal), refusal);
        return $"redis/{identity}";
    }

    // Returns why Redis refused to note them, if it did: what has been noted before is good all the same.
    private async Task<RedisErrorException?> NoteAsync(params (string Key, string Fact)[] notes)
    {
        var writer = RedisScript.Note.Run(keys: 1 + notes.Length, arguments: notes.Length);
        writer.Add(Keys.Channels);
        foreach (var (key, _) in notes)
            writer.Add(key);
        foreach (var (_, fact) in notes)
            writer.Add(fact);
        RedisErrorException? refusal = null;
        try
        {
            await Commands.ExecuteAsync(new RedisCommand(writer.Written, repeatMark: -1)).ConfigureAwait(false);
        }
        catch (RedisErrorException exception) when (exception.Code != "NOPERM")
        {
            refusal = exception;
        }
        CheckFormat((await Commands.ExecuteAsync(RespWriter.Encode("GET", Keys.Format)).ConfigureAwait(false)).ToString()); // another version may have been faster
        return refusal;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Commands.DisposeAsync();

    private void OnConnectedChanged(bool isConnected)
    {
        ConnectedChanged?.Invoke(isConnected);
        if (isConnected && Interlocked.Exchange(ref _isOtherServer, false))
            ServerChanged?.Invoke();
    }

    // A server that was restarted knows no scripts, and its histories go on in new epochs.
    private void LoadScripts(RedisSocket socket)
    {
        foreach (var script in RedisScript.All)
            socket.Execute(script.Load);
        NoteServer(socket);
    }

    // A server has another master_replid after each start, and a replica has one when it takes its master's place.
    private void NoteServer(RedisSocket socket)
    {
        var facts = FactsIn(socket.Execute(RespWriter.Encode("INFO", "replication")).ToString());
        if (Fact(facts, "role") == "slave")
            throw new RedisUnavailableException(IsReplica(facts)); // it may be given its master's place while we are connected, and nobody would note it
        var id = Fact(facts, "master_replid");
        if (Interlocked.Exchange(ref _server, id) is { } before && before != id)
            Volatile.Write(ref _isOtherServer, true);
        // Without a note, no history takes this server for the one before, either. And a server whose memory is full deletes.
        var isNoted = socket.Execute(RespWriter.Encode("GET", Keys.Server)).ToString() == id || TryWrite(socket, "SET", Keys.Server, id) || TryWrite(socket, "DEL", Keys.Server);
        Volatile.Write(ref _unnoted, isNoted ? null : new object());
    }

    // A server that has no room on its disk, or too few replicas, writes nothing, and is good to read from.
    private static bool TryWrite(RedisSocket socket, params string[] words)
    {
        try
        {
            socket.Execute(RespWriter.Encode(words));
            return true;
        }
        catch (RedisErrorException refusal) when (refusal is { Code: not "NOPERM", IsPassing: false })
        {
            return false;
        }
    }

    // Empty as long as nothing has been stored.
    private void CheckFormat(string format)
    {
        if (format is not ("" or Format))
            throw new InvalidOperationException($"Redis at {Dialer.Address} holds data under the prefix '{Options.Prefix}' in format {format}, and this version of Runnel uses format {Format}. Start the version that has stored the data, or give this application another prefix.");
    }

    private void Check(string info, long asked)
    {
        var facts = FactsIn(info);
        string Fact(string name) => RedisStore.Fact(facts, name);
        var address = Dialer.Address;
        if (Version.TryParse(Fact("redis_version"), out var version) && version < RedisExplanation.Oldest)
            throw new InvalidOperationException($"Redis at {address} is version {version}; Runnel needs {RedisExplanation.Oldest} or later.");
        if (Fact("cluster_enabled") == "1")
            throw new InvalidOperationException($"Redis at {address} is a node of a cluster, which Runnel does not use yet: give it a server of its own.");
        if (Fact("maxmemory_policy") is var policy && policy is not ("noeviction" or ""))
            throw new InvalidOperationException($"Redis at {address} deletes messages when its memory is full: its maxmemory-policy is {policy}. Set it to noeviction ('CONFIG SET maxmemory-policy noeviction', and in redis.conf).");
        if (Fact("aof_enabled") == "0")
            Log.NotPersistent(Logger, address.ToString());
        if (long.TryParse(Fact("server_time_usec"), NumberStyles.None, CultureInfo.InvariantCulture, out var time) && ScriptTime == 0
            && Math.Max(asked - time, time - Now) is > 1_000_000 and var differ) // it answered at some time between
        {
            Log.ClocksDiffer(Logger, address.ToString(), TimeSpan.FromMicroseconds(differ));
        }
    }

    private string IsReplica(ILookup<string, string> facts) =>
        $"Redis at {Dialer.Address} is a replica, where nothing can be stored: write its master into the address ({Fact(facts, "master_host")}:{Fact(facts, "master_port")}).";

    private static string Fact(ILookup<string, string> facts, string name) => facts[name].FirstOrDefault() ?? "";

    private static ILookup<string, string> FactsIn(string info) => info.Split('\n')
        .Select(line => line.TrimEnd('\r').Split(':', 2))
        .Where(parts => parts.Length == 2)
        .ToLookup(parts => parts[0], parts => parts[1]);
}
