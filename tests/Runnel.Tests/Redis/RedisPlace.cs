using Microsoft.Extensions.Logging;
using Runnel.Redis;
using Runnel.Tests.Servers;

namespace Runnel.Tests.Redis;

/// <summary>A place of a test's own in a Redis: a prefix that no other test has, and the stores that were opened there, one for each process.</summary>
internal sealed class RedisPlace(RedisServer server, TimeProvider? timeProvider = null) : IAsyncDisposable
{
    private readonly List<RedisStore> _stores = [];

    public string Prefix { get; } = $"test-{Guid.NewGuid():N}"[..24];

    public RedisProbe Probe { get; } = server.Connect();

    /// <summary>Our keys, and the pub/sub channels that somebody has subscribed to.</summary>
    public IReadOnlyList<string> Kept => [.. Probe.Keys($"{Prefix}:*"), .. Probe.Texts("PUBSUB", "CHANNELS", $"{Prefix}:*")];

    public RedisStore Open(Action<RedisOptions>? configure = null, string? address = null)
    {
        var options = new RedisOptions { Address = address ?? server.Address, Prefix = Prefix };
        configure?.Invoke(options);
        var store = new RedisStore(options, timeProvider ?? TimeProvider.System, new LoggerFactory([new ConsoleLoggerX()]).CreateLogger<RedisStore>());
        _stores.Add(store);
        return store;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores)
            await store.DisposeAsync();
        foreach (var key in Probe.Keys($"{Prefix}:*"))
            Probe.Ask("DEL", key);
        Probe.Dispose();
    }
}

file sealed class ConsoleLoggerX : ILoggerProvider, ILogger
{
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
    public ILogger CreateLogger(string categoryName) => this;
    public void Dispose() { }
    public bool IsEnabled(LogLevel logLevel) => true;
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        File.AppendAllText("/tmp/rlog.txt", formatter(state, exception) + exception + "\n");
}
