using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Runnel.Tests.Connections;

/// <summary>A log that a test reads.</summary>
internal sealed class LogList : ILoggerProvider
{
    private readonly ConcurrentQueue<Entry> _entries = new();

    /// <summary>What Runnel said under an event id.</summary>
    public IEnumerable<Entry> Of(int eventId) => _entries.Where(entry => entry.Id == eventId && entry.Category.StartsWith("Runnel", StringComparison.Ordinal));

    /// <summary>Everything of at least this level, of whoever.</summary>
    public IEnumerable<Entry> AtLeast(LogLevel level) => _entries.Where(entry => entry.Level >= level);

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    internal sealed record Entry(string Category, int Id, LogLevel Level, string Text, Exception? Exception);

    private sealed class Logger(LogList list, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            list._entries.Enqueue(new(category, eventId.Id, logLevel, formatter(state, exception), exception));
    }
}
