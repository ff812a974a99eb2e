using Microsoft.Extensions.Logging;
using Runnel.Layers;

namespace Runnel.AspNetCore.Admission;

/// <summary>Everything this floor says. Event ids 2000–2999.</summary>
internal static partial class Log
{
    [LoggerMessage(2001, LogLevel.Information, "Refused a connection to {Path} from origin '{Origin}': it is not the host's own and not among the endpoint's AllowedOrigins.")]
    public static partial void OriginRefused(ILogger logger, string path, string origin);

    [LoggerMessage(2002, LogLevel.Warning, "Refused a connection to {Path}: {Admission}. {Untold} more were refused for this since it was logged last. Raise GatewayOptions if this is what the node should carry.")]
    public static partial void NoRoom(ILogger logger, string path, ConnectionAdmission admission, int untold);

    [LoggerMessage(2003, LogLevel.Warning, "{Consumer}.OnConnectAsync neither accepted nor rejected connection {Connection}; it was refused. Call AcceptAsync or RejectAsync.")]
    public static partial void Undecided(ILogger logger, string consumer, Connection connection);

    [LoggerMessage(2004, LogLevel.Information, "Connection {Connection} cannot keep up with what is sent to it; it is closed with code 1013.")]
    public static partial void CannotKeepUp(ILogger logger, Connection connection);

    [LoggerMessage(2005, LogLevel.Information, "Connection {Connection} was silent for longer than the keep-alive timeout; it is cut.")]
    public static partial void Silent(ILogger logger, Connection connection);

    [LoggerMessage(2006, LogLevel.Error, "Connection {Connection} ended by a fault of the server's own.")]
    public static partial void ReceiveFailed(ILogger logger, Exception exception, Connection connection);

    [LoggerMessage(2007, LogLevel.Error, "Following job {Id} for a client failed.")]
    public static partial void FollowingFailed(ILogger logger, Exception exception, MessageId id);

    [LoggerMessage(2008, LogLevel.Error, "What was registered with the token of connection {Connection} failed when the client was gone.")]
    public static partial void CallbackFailed(ILogger logger, Exception exception, Connection connection);

    [LoggerMessage(2011, LogLevel.Information, "Connection {Connection} sent more than {Rate} messages per second, and more than {Burst} at once; it is closed with code 1008.")]
    public static partial void TooFast(ILogger logger, Connection connection, int rate, int burst);

    [LoggerMessage(2012, LogLevel.Information, "Connection {Connection} sent a message of more than {Limit} bytes; it is closed with code 1009.")]
    public static partial void TooBig(ILogger logger, Connection connection, int limit);

    [LoggerMessage(2013, LogLevel.Information, "Connection {Connection} needed longer than the keep-alive timeout to take one write, of up to 64 KiB; it is cut.")]
    public static partial void TakesNothing(ILogger logger, Connection connection);

    [LoggerMessage(2014, LogLevel.Warning,
        "Other processes may take the work on '{QueueScheme}:', but group messages, requests to cancel jobs, and the states of jobs that have no layer of their own stay in this process, "
        + "since its layer is '{Scheme}:'. That is right for a single process. Several need one layer for these, too: --layer sqlite:work.db on one machine, --layer redis://HOST on several.")]
    public static partial void OnlyWorkIsShared(ILogger logger, string queueScheme, string scheme);

    [LoggerMessage(2015, LogLevel.Information, "This node is told to stop. For {Delay} it goes on and only its health check fails, so that load balancers notice.")]
    public static partial void Leaving(ILogger logger, TimeSpan delay);

    [LoggerMessage(2016, LogLevel.Information, "This node takes no more connections, and closes its {Count} within {Time}.")]
    public static partial void Closing(ILogger logger, int count, TimeSpan time);

    [LoggerMessage(2017, LogLevel.Warning, "{Count} connections have not closed within {Limit}. Runnel cuts them.")]
    public static partial void ClosingTookTooLong(ILogger logger, int count, TimeSpan limit);

    [LoggerMessage(2018, LogLevel.Warning,
        "HostOptions.ShutdownTimeout is {ShutdownTimeout}, and a node with these options may need {Needed} to stop: the host will cut the connections that are still open. "
        + "Raise ShutdownTimeout, or lower GatewayOptions.DrainDelay and DrainTime, and RunnelOptions.ShutdownTimeout.")]
    public static partial void HostIsImpatient(ILogger logger, TimeSpan shutdownTimeout, TimeSpan needed);

    [LoggerMessage(2030, LogLevel.Error, "{Consumer} failed to answer {Method} {Path}. The client gets 500, or is cut off if the response has begun.")]
    public static partial void HttpConsumerFailed(ILogger logger, Exception exception, string consumer, string method, string path);

    [LoggerMessage(2031, LogLevel.Warning, "The worker that was to answer {Method} {Path} is gone ({Channel}). A request whose method is safe is handed to another one; the others are answered with 502.")]
    public static partial void WorkerLostRequest(ILogger logger, Exception exception, string method, string path, string channel);

    [LoggerMessage(2032, LogLevel.Error, "What a worker answered to {Method} {Path} ({Channel}) cannot be read; the client gets 502. Deploy the same version of the application to gateways and workers.")]
    public static partial void ResponseUnreadable(ILogger logger, Exception exception, string method, string path, string channel);
}
