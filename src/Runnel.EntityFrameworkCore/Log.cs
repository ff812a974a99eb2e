using Microsoft.Extensions.Logging;

namespace Runnel.EntityFrameworkCore;

internal static partial class Log
{
    [LoggerMessage(5001, LogLevel.Error,
        "The {Action} of {Model} {PrimaryKey} is committed but could not be sent to group '{Group}': its members do not know of it.")]
    public static partial void PublishFailed(ILogger logger, Exception exception, string action, string model, string primaryKey, string group);

    [LoggerMessage(5002, LogLevel.Error,
        "The {Action} of a {Model} will not be sent: its groups or its data could not be computed. The save itself goes on.")]
    public static partial void CaptureFailed(ILogger logger, Exception exception, string action, string model);

    [LoggerMessage(5003, LogLevel.Warning, "The {Action} of {Model} {PrimaryKey} was saved but not sent to group '{Group}': {Why}")]
    public static partial void Abandoned(ILogger logger, string action, string model, string primaryKey, string group, string why);

    [LoggerMessage(5004, LogLevel.Warning,
        "The layer did not take the {Count} changes of a save within {Limit} (MaxSaveDelay). The save returns; its changes are sent when the layer can, and what it cannot send is logged.")]
    public static partial void StillSending(ILogger logger, int count, TimeSpan limit);

    [LoggerMessage(5005, LogLevel.Information, "The members of group '{Group}' were told that they have missed changes, which the layer did not take while it was away.")]
    public static partial void GapTold(ILogger logger, string group);

    [LoggerMessage(5006, LogLevel.Debug, "The members of group '{Group}' could not be told yet that they have missed changes. It is tried again in {Rest}. {Why}")]
    public static partial void GapNotYetTold(ILogger logger, string group, TimeSpan rest, string why);

    [LoggerMessage(5007, LogLevel.Error, "The members of group '{Group}' will not be told that they have missed a change, because {Most} other groups already wait for the layer to tell their members.")]
    public static partial void GapUntold(ILogger logger, string group, int most);

    [LoggerMessage(5008, LogLevel.Error, "The members of group '{Group}' cannot be told that they have missed changes, which the layer did not take while it was away.")]
    public static partial void GapUntellable(ILogger logger, Exception exception, string group);
}
