using System.Net.Sockets;
using System.Security.Authentication;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Runnel.RabbitMQ.Connections;

/// <summary>Why there is no connection to RabbitMQ, in words for those who can do something about it.</summary>
internal static class RabbitExplanation
{
    private const int PayloadTooLarge = 311, ConnectionForced = 320, AccessRefused = 403, NotFound = 404, ResourceLocked = 405, PreconditionFailed = 406, NotAllowed = 530;

    /// <summary>Explains a failure.</summary>
    /// <param name="failure">What was thrown.</param>
    /// <param name="address">Where the broker is.</param>
    /// <param name="timeout">How long was waited.</param>
    public static string Of(Exception failure, RabbitAddress address, TimeSpan timeout) => Innermost(failure) switch
    {
        RabbitUnavailableException known => known.Message,
        AuthenticationFailureException or PossibleAuthenticationFailureException =>
            $"RabbitMQ at {address} refuses the user '{address.User}' or the password. Correct them in the address: amqp://user:password@host.",
        OperationInterruptedException { ShutdownReason: { } reason } => Of(reason.ReplyCode, reason.ReplyText, address),
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => $"No RabbitMQ listens at {address}. Is it running, and is the address right?",
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } =>
            $"There is no host '{address.Host}' for RabbitMQ. Is the address right?",
        SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.ConnectionAborted } =>
            $"What listens at {address} ended the connection. {AskForPort(address)}",
        SocketException socket => $"RabbitMQ at {address} cannot be reached: {Plain(socket)}. Is the address right, and does a firewall let it through?",
        TimeoutException or OperationCanceledException => $"What listens at {address} did not answer within {timeout.TotalSeconds} s as RabbitMQ would. {AskForPort(address)}",
        AuthenticationException tls => $"The TLS of RabbitMQ at {address} cannot be used: {Plain(tls)}. If an authority of your own signed its certificate, name its file: amqps://host?ca=/path/ca.pem. {AskForPort(address)}",
        PacketNotRecognizedException or ProtocolVersionMismatchException or MalformedFrameException =>
            $"What answers at {address} is not RabbitMQ, or not in the clear. {AskForPort(address)}",
        IOException when address.IsEncrypted => $"What listens at {address} does not answer over TLS. {AskForPort(address)}",
        var other => $"What listens at {address} does not answer as RabbitMQ does: {Plain(other)}. {AskForPort(address)}",
    };

    /// <summary>Whether the broker refused what it was asked for, so that it would do so again.</summary>
    public static bool IsRefusal(Exception failure) =>
        failure.InnerException is OperationInterruptedException { ShutdownReason: { Initiator: ShutdownInitiator.Peer, ReplyCode: (>= PayloadTooLarge and <= PreconditionFailed and not ConnectionForced) or NotAllowed } };

    /// <summary>Explains why the broker closed a connection or a channel.</summary>
    public static string Of(int code, string text, RabbitAddress address) => code switch
    {
        AccessRefused => $"RabbitMQ at {address} does not let the user '{address.User}' do what Runnel needs ({text}). Give it the rights: rabbitmqctl set_permissions -p {address.VirtualHost} {address.User} '.*' '.*' '.*'.",
        NotAllowed when text.Contains("not found", StringComparison.Ordinal) =>
            $"RabbitMQ at {address} has no virtual host '{address.VirtualHost}'. Correct the address, or make it: rabbitmqctl add_vhost {address.VirtualHost}.",
        NotAllowed when text.Contains("refused", StringComparison.Ordinal) => RefusedVirtualHost(address),
        NotFound => $"RabbitMQ at {address} misses what was there ({text}).",
        ResourceLocked => $"A queue of this node still belongs to another connection at {address} ({text}).",
        _ => $"RabbitMQ at {address} closed the connection: {text.TrimEnd('.')}.",
    };

    private static string RefusedVirtualHost(RabbitAddress address) =>
        $"RabbitMQ at {address} does not let the user '{address.User}' into the virtual host '{address.VirtualHost}'. Give it the rights: rabbitmqctl set_permissions -p {address.VirtualHost} {address.User} '.*' '.*' '.*'.";

    private static string AskForPort(RabbitAddress address) => address.IsEncrypted
        ? "Is this its port for TLS (5671), and does it ask for a client certificate (cert=, key=)? Without TLS the address begins with amqp://."
        : "Is the port right (5672)? If it is one for TLS, the address begins with amqps://.";

    // The client wraps what befell it, address by address.
    private static Exception Innermost(Exception failure)
    {
        while (failure is not (RabbitUnavailableException or AuthenticationFailureException or OperationInterruptedException or AuthenticationException))
        {
            var inner = failure is AggregateException { InnerExceptions: [.., var last] } ? last : failure.InnerException;
            if (inner is null)
                break;
            failure = inner;
        }
        return failure;
    }

    private static string Plain(Exception failure) => failure.Message.TrimEnd('.');
}
