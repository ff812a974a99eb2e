namespace Runnel.Bench;

/// <summary>The store of a ledger, looked into from outside: what processes hold, what is left. Some have a server, which can be killed.</summary>
internal abstract class ChaosStore(string address, string folder) : IAsyncDisposable
{
    /// <summary>Where the processes find it.</summary>
    public string Address { get; } = address;

    /// <summary>Where the processes write down what they did.</summary>
    public string Folder { get; } = folder;

    /// <summary>The server, when there is one that is the run's own.</summary>
    public virtual IServerProcess? Server => null;

    /// <summary>How many messages a second are sent while the server is killed; <see langword="null"/>: as many as go.</summary>
    public virtual int? RateAtServerKills => null;

    /// <summary>Whether what processes held when the server was killed is read when it is back, before they move again, and not right before it is killed.</summary>
    public virtual bool RemembersHoldersBeyondDeath => true;

    /// <summary>Whether what was settled stays so, whatever is killed. If not, it may come again after the next one of its key has begun.</summary>
    public virtual bool ConfirmsSettling => true;

    /// <summary>How long after the first messages nothing is killed.</summary>
    public virtual TimeSpan Grace => TimeSpan.Zero;

    /// <summary>How soon work goes on after the server is there again, at most.</summary>
    public virtual TimeSpan LongestReturn => TimeSpan.FromSeconds(5);

    /// <summary>How soon a message begins elsewhere after the worker that held it was killed, at most.</summary>
    public abstract TimeSpan LongestHandover { get; }

    /// <summary>Opens a store that <see cref="QueueStore"/> gives.</summary>
    public static async Task<ChaosStore> CreateAsync(QueueStore store, CancellationToken cancellationToken) => store switch
    {
        SqliteQueueStore files => new SqliteChaosStore(files.NewFile()),
        RedisQueueStore redis => await RedisChaosStore.CreateAsync(redis, cancellationToken),
        RabbitQueueStore rabbit => await RabbitChaosStore.CreateAsync(rabbit, cancellationToken),
        _ => throw new BenchException("Only a layer that outlives a process can be killed: use sqlite:PATH, redis: or amqp:."),
    };

    /// <summary>How many messages are on the channels, in whatever state.</summary>
    public abstract Task<long> CountMessagesAsync(CancellationToken cancellationToken);

    /// <summary>How many messages a process holds, which stands still; at most.</summary>
    public abstract Task<long> CountHeldAsync(int processId, CancellationToken cancellationToken);

    /// <summary>How many of them others are given while it stands still for long.</summary>
    public abstract Task<long> CountLostByStandingStillAsync(int processId, CancellationToken cancellationToken);

    /// <summary>How many messages all processes hold.</summary>
    public abstract Task<long> CountHeldByAllAsync(CancellationToken cancellationToken);

    /// <summary>Whether no more workers are known than there are: those who live have noticed the deaths of the others.</summary>
    public abstract Task<bool> HasForgottenTheDeadAsync(int living, CancellationToken cancellationToken);

    /// <summary>Counts what should not be there when all work is done and all processes have left.</summary>
    public abstract Task AuditLeftAsync(ChaosVerdict verdict, CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();
}
