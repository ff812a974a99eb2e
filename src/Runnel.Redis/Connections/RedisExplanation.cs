using System.Net.Sockets;
using System.Security.Authentication;
using Runnel.Redis.Resp;

namespace Runnel.Redis.Connections;

/// <summary>Why there is no connection to Redis, in words for those who can do something about it.</summary>
internal static class RedisExplanation
{
    /// <summary>The oldest version of Redis that has all that the layer uses.</summary>
    public static Version Oldest { get; } = new(6, 2);

    /// <summary>Explains a failure.</summary>
    /// <param name="failure">What was thrown.</param>
    /// <param name="address">Where Redis is.</param>
    /// <param name="prefix">What our names begin with.</param>
    /// <param name="timeout">How long was waited.</param>
    public static string Of(Exception failure, RedisAddress address, string prefix, TimeSpan timeout) => failure switch
    {
        RedisUnavailableException => failure.Message,
        RedisErrorException refusal => Of(refusal, address, prefix),
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => NobodyAt(address),
        SocketException { SocketErrorCode: SocketError.AddressNotAvailable } when address.SocketPath is not null => NobodyAt(address),
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } =>
            $"There is no host '{address.Host}' for Redis. Is the address right?",
        SocketException => $"Redis at {address} cannot be reached: {Plain(failure)}. Is the address right, and does a firewall let it through?",
        ArgumentException => $"No Redis listens at {address}: that is too long for a name. Is the address right?",
        IOException { InnerException: SocketException { SocketErrorCode: SocketError.TimedOut } } =>
            $"What listens at {address} did not answer within {timeout.TotalSeconds} s as Redis would. {AskForPort(address)}",
        IOException or AuthenticationException when address.IsEncrypted =>
            $"What listens at {address} does not answer over TLS: {Plain(failure)}. {AskForPort(address)}",
        FormatException => $"What answers at {address} is not Redis, or not in the clear: {Plain(failure)}. {AskForPort(address)}",
        _ => $"What listens at {address} does not answer as Redis does: {Plain(failure)}. {AskForPort(address)}",
    };

    private static string Of(RedisErrorException refusal, RedisAddress address, string prefix) => refusal.Code switch
    {
        "WRONGPASS" => $"Redis at {address} refuses the user '{UserOf(address)}' or the password. Correct them in the address: redis://user:password@host.",
        "NOAUTH" => $"Redis at {address} wants a password. Write it into the address: redis://:password@host, or redis://user:password@host.",
        "NOPERM" =>
            $"Redis at {address} does not let the user '{UserOf(address)}' do what Runnel needs ({refusal.Error}). Give it the rights: ACL SETUSER {UserOf(address)} {RightsFor(prefix)}.",
        "LOADING" => $"Redis at {address} is reading its data still, as it does when it has been started. Try again when it is done.",
        _ when Says(refusal, "max number of clients") => $"Redis at {address} has as many clients as it takes. Raise maxclients ('CONFIG SET maxclients 10000', and in redis.conf).",
        _ when Says(refusal, "unknown command") => $"Redis at {address} does not know a command that Runnel needs ({refusal.Error}). Is it {Oldest} or later?",
        _ when Says(refusal, "DB index") => $"Redis at {address} has no database {address.Database}. Correct the address, or raise 'databases' in redis.conf.",
        _ => $"Redis at {address} refuses the connection: {refusal.Error}.",
    };

    // All that is not for those who run the server; and what tells whether the server is one that keeps things, and ends a connection that was given up.
    private static string RightsFor(string prefix) => $"~{prefix}:* &{prefix}:* +@all -@dangerous +info +client|info +client|kill";

    private static string NobodyAt(RedisAddress address) => $"No Redis listens at {address}. Is it running, and is the address right?";

    private static string AskForPort(RedisAddress address) => address.IsEncrypted
        ? "Is this its port for TLS? Without TLS the address begins with redis://."
        : "Is the port right? If it is one for TLS, the address begins with rediss://.";

    private static string UserOf(RedisAddress address) => address.User ?? "default";

    private static bool Says(RedisErrorException refusal, string words) => refusal.Error.Contains(words, StringComparison.OrdinalIgnoreCase);

    private static string Plain(Exception failure) => failure.Message.TrimEnd('.');
}
