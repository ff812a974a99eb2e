using Microsoft.Extensions.Logging;

namespace Runnel.Sqlite.Files;

/// <summary>What the layer logs; its event ids are 3000 to 3099.</summary>
internal static partial class Log
{
    [LoggerMessage(3000, LogLevel.Debug, "Opened the SQLite database '{Path}' as node {Node}.")]
    public static partial void Opened(ILogger logger, string path, string node);

    [LoggerMessage(3001, LogLevel.Information, "Other processes cannot ring here, since a socket beside '{Path}' is not possible (its path is too long, or the system has none): the file is looked at every {Interval} instead.")]
    public static partial void NoBell(ILogger logger, string path, TimeSpan interval);

    [LoggerMessage(3002, LogLevel.Warning, "Node {Node} has died. It held {Held} messages, which go to other workers.")]
    public static partial void NodeDied(ILogger logger, string node, int held);

    [LoggerMessage(3003, LogLevel.Error, "This node, {Node}, is not in the database '{Path}' any more: its lock file was deleted, or the file replaced. Its workers' messages went to others; it goes on as {NewNode}.")]
    public static partial void Forgotten(ILogger logger, string node, string path, string newNode);

    [LoggerMessage(3004, LogLevel.Error, "The SQLite database '{Path}' cannot be written. What is sent fails; what workers have finished is settled when it can be written again.")]
    public static partial void Interrupted(ILogger logger, string path, Exception exception);

    [LoggerMessage(3005, LogLevel.Information, "The SQLite database '{Path}' can be written again.")]
    public static partial void Restored(ILogger logger, string path);

    [LoggerMessage(3007, LogLevel.Debug, "{Count} messages were not handled before they expired, and were deleted.")]
    public static partial void Expired(ILogger logger, int count);

    [LoggerMessage(3008, LogLevel.Warning, "{Count} dead letters were older than they are kept, and were deleted.")]
    public static partial void DeadLettersAged(ILogger logger, int count);

    [LoggerMessage(3010, LogLevel.Error, "The SQLite database '{Path}' cannot be written: {Holder} has kept it locked for {Time}. Let that process go on, or end it.")]
    public static partial void Blocked(ILogger logger, string path, TimeSpan time, string holder);

    [LoggerMessage(3011, LogLevel.Error, "New messages are refused. {Reason}")]
    public static partial void Full(ILogger logger, string reason);

    [LoggerMessage(3012, LogLevel.Warning, "The SQLite database '{Path}' is older than what was last written to it: it was put back from a copy, or a power cut has undone its end. What is missing is lost, and what was finished since may be done again. Whoever listens to a topic with history, or comes back to one, is told that messages are missing.")]
    public static partial void WentBack(ILogger logger, string path);

    [LoggerMessage(3013, LogLevel.Warning, "Nothing beside the SQLite database '{Path}' says how far it was: it comes from another place, or the folder '{Path}.bell' was deleted. If it is an older copy, what was sent since is lost. Whoever listens to a topic with history, or comes back to one, is told that messages may be missing.")]
    public static partial void OriginUnknown(ILogger logger, string path);

    [LoggerMessage(3014, LogLevel.Error, "A handler of the backplane's StateChanged threw.")]
    public static partial void StateHandlerFailed(ILogger logger, Exception exception);

    [LoggerMessage(3009, LogLevel.Warning, "What node {Node} left beside the database could not be deleted; another process tries again when it starts.")]
    public static partial void FilesLeft(ILogger logger, string node, Exception exception);
}
