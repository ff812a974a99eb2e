using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Runnel.Tests.Recording;

/// <summary>A log that a test reads.</summary>
/// <param name="from">Keeps what categories log whose names begin so.</param>
internal sealed class RecordedLog(string from = "") : ILoggerProvider
{
    private readonly ConcurrentQueue<Entry> _entries = new();

    /// <summary>Called with the event id of each entry, on the thread that logs.</summary>
    public Action<int>? Logged { get; init; }

    /// <summary>Everything that was logged, as <c>Warning 5003 The text.</c></summary>
    public IReadOnlyList<string> Lines => [.. _entries.Select(entry => $"{entry.Level} {entry.Id} {entry.Text}")];

    /// <summary>What Runnel said under an event id.</summary>
    public IEnumerable<Entry> Of(int eventId) => _entries.Where(entry => entry.Id == eventId && entry.Category.StartsWith("Runnel", StringComparison.Ordinal));

    /// <summary>Everything of at least this level, of whoever.</summary>
    public IEnumerable<Entry> AtLeast(LogLevel level) => _entries.Where(entry => entry.Level >= level);

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private void Add(string category, LogLevel level, EventId eventId, string text, Exception? exception)
    {
        if (category.StartsWith(from, StringComparison.Ordinal))
            _entries.Enqueue(new(category, eventId.Id, level, text, exception));
        Logged?.Invoke(eventId.Id);
    }

    internal sealed record Entry(string Category, int Id, LogLevel Level, string Text, Exception? Exception);

    private sealed class Logger(RecordedLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            log.Add(category, logLevel, eventId, formatter(state, exception), exception);
    }
}
