using System.Globalization;
using System.Text.RegularExpressions;

namespace Runnel.Redis.Connections;

/// <summary>Where Redis is: what an address such as <c>redis://user:password@host:6379/0?prefix=shop</c> says.</summary>
internal sealed record RedisAddress
{
    private const int DefaultPort = 6379;
    private const string Example = "redis://user:password@host:6379/0, rediss://host for TLS, or redis:///path/to/redis.sock";
    private const string Options = "there are prefix=, db=, ca= and keys=";
    private const string Escapes = "In a user and a password / is written %2F, ? is %3F, # is %23, @ is %40, : is %3A and % is %25.";

    public string Host { get; private init; } = "";

    public int Port { get; private init; } = DefaultPort;

    /// <summary>The unix socket; then there is no host.</summary>
    public string? SocketPath { get; private init; }

    public bool IsEncrypted { get; private init; }

    public string? User { get; private init; }

    public string? Password { get; private init; }

    public int Database { get; private init; }

    /// <summary>The address's <c>prefix=</c>.</summary>
    public string? Prefix { get; private init; }

    /// <summary>The file of the authority that signed the server's certificate; <see langword="null"/>: one of those that the system trusts.</summary>
    public string? AuthorityFile { get; private init; }

    /// <summary>The file of the keys for encryption, one in a line; <see langword="null"/>: the address names none.</summary>
    public string? KeysFile { get; private init; }

    /// <summary>Reads an address.</summary>
    /// <exception cref="FormatException">It is not an address; the message says what one looks like, and does not repeat a password.</exception>
    public static RedisAddress Parse(string address)
    {
        var isSocket = WithHost(address) != address;
        if (!Uri.TryCreate(WithHost(address), UriKind.Absolute, out var uri) || uri is not { Scheme: "redis" or "rediss", Host.Length: > 0, Fragment: "" })
            throw new FormatException($"This is not the address of a Redis server: write {Example}. {Escapes}");
        if (uri.Scheme == "rediss" && isSocket)
            throw new FormatException("There is no TLS on a unix socket: the address of a Redis there begins with redis://.");
        if (uri.PathAndQuery.Contains('@', StringComparison.Ordinal) && !isSocket) // a part of the password, so nothing may be repeated
            throw new FormatException($"The user or the password in the address of the Redis is not escaped. {Escapes}");
        var (user, password) = ReadAccount(uri.UserInfo);
        var read = new RedisAddress
        {
            Host = isSocket ? "" : uri.DnsSafeHost,
            Port = uri.Port > 0 ? uri.Port : DefaultPort,
            SocketPath = isSocket ? Uri.UnescapeDataString(uri.AbsolutePath) : null,
            IsEncrypted = uri.Scheme == "rediss",
            User = user,
            Password = password,
            Database = isSocket || uri.AbsolutePath.Length <= 1 ? 0 : ReadDatabase(uri.AbsolutePath[1..]),
        };
        return uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Aggregate(read, ReadOption);
    }

    /// <summary>The keys of <see cref="KeysFile"/>.</summary>
    /// <exception cref="FormatException">There is no such file, or it cannot be read.</exception>
    public IReadOnlyList<string> ReadKeys()
    {
        if (KeysFile is null)
            return [];
        try
        {
            string[] keys = [.. File.ReadAllLines(KeysFile).Select(static line => line.Trim()).Where(static line => line.Length > 0)];
            return keys.Length > 0 ? keys : throw new FormatException($"The file '{KeysFile}' (keys= in the address of Redis) has no key: write one in each line.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new FormatException($"The file '{KeysFile}' of the encryption keys (keys= in the address of Redis) cannot be read: {exception.Message.TrimEnd('.')}.", exception);
        }
    }

    /// <summary>The address as people may see it: without the password.</summary>
    public override string ToString() => SocketPath ?? (Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}");

    // redis:///path and redis://user:password@/path have no host, which no URI allows that has a user.
    private static string WithHost(string address)
    {
        var authority = address.IndexOf("://", StringComparison.Ordinal) + 3;
        if (authority < 3)
            return address;
        var path = address.IndexOf('/', authority);
        var isSocket = path > 0 && (path == authority || address[path - 1] == '@');
        return isSocket ? address.Insert(path, "socket") : address;
    }

    private static (string? User, string? Password) ReadAccount(string account)
    {
        if (account.Length == 0)
            return (null, null);
        var colon = account.IndexOf(':', StringComparison.Ordinal);
        var user = Uri.UnescapeDataString(colon < 0 ? account : account[..colon]);
        return (user.Length == 0 ? null : user, colon < 0 ? null : Uri.UnescapeDataString(account[(colon + 1)..]));
    }

    private static int ReadDatabase(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        ? number
        : throw new FormatException($"'{text}' is not the number of a Redis database: write {Example}.");

    private static string ReadPrefix(string text) => Regex.IsMatch(text, $@"^(?:{RedisOptions.PrefixPattern})\z")
        ? text
        : throw new FormatException($"'{text}' is not a prefix: a prefix has 1 to 40 letters, digits, '_', '.' and '-'.");

    private static RedisAddress ReadOption(RedisAddress address, string option)
    {
        var equals = option.IndexOf('=', StringComparison.Ordinal);
        var (name, value) = equals < 0 ? (option, "") : (option[..equals], Uri.UnescapeDataString(option[(equals + 1)..]));
        return name switch
        {
            _ when value.Length == 0 => throw new FormatException($"The option '{name}' of the Redis address has no value: {Options}."),
            "prefix" => address with { Prefix = ReadPrefix(value) },
            "db" => address with { Database = ReadDatabase(value) },
            "ca" => address with { AuthorityFile = value },
            "keys" => address with { KeysFile = value },
            _ => throw new FormatException($"A Redis address has no option '{name}': {Options}."),
        };
    }
}
