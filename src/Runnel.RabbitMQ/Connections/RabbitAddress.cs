using System.Text.RegularExpressions;

namespace Runnel.RabbitMQ.Connections;

/// <summary>Where RabbitMQ is: what an address such as <c>amqp://user:password@host:5672/vhost?prefix=shop</c> says.</summary>
internal sealed record RabbitAddress
{
    private const string Example = "amqp://user:password@host:5672/vhost, or amqps://host for TLS";
    private const string Options = "there are prefix=, wire=, ca=, cert= and key=";
    private const string Escapes = "In a user, a password and a vhost / is written %2F, ? is %3F, # is %23, @ is %40, : is %3A and % is %25.";

    public string Host { get; private init; } = "";

    public int Port { get; private init; }

    public bool IsEncrypted { get; private init; }

    public string User { get; private init; } = "guest";

    public string Password { get; private init; } = "guest";

    public string VirtualHost { get; private init; } = "/";

    /// <summary>The address's <c>prefix=</c>.</summary>
    public string? Prefix { get; private init; }

    /// <summary>The address's <c>wire=</c>.</summary>
    public RabbitMQWire? Wire { get; private init; }

    /// <summary>The file of the authority that signed the broker's certificate; <see langword="null"/>: one of those that the system trusts.</summary>
    public string? AuthorityFile { get; private init; }

    /// <summary>The file of the client's own certificate; <see langword="null"/>: it has none.</summary>
    public string? CertificateFile { get; private init; }

    /// <summary>The file of that certificate's key; <see langword="null"/>: it is in the same file.</summary>
    public string? KeyFile { get; private init; }

    /// <summary>Reads an address.</summary>
    /// <exception cref="FormatException">It is not an address; the message says what one looks like, and does not repeat a password.</exception>
    public static RabbitAddress Parse(string address)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri is not { Scheme: "amqp" or "amqps", Host.Length: > 0, Fragment: "" })
            throw new FormatException($"This is not the address of a RabbitMQ broker: write {Example}. {Escapes}");
        if (uri.PathAndQuery.Contains('@', StringComparison.Ordinal)) // a part of the password, so nothing may be repeated
            throw new FormatException($"The user or the password in the address of the RabbitMQ broker is not escaped. {Escapes}");
        var isEncrypted = uri.Scheme == "amqps";
        var read = new RabbitAddress
        {
            Host = uri.DnsSafeHost,
            Port = uri.Port > 0 ? uri.Port : isEncrypted ? 5671 : 5672,
            IsEncrypted = isEncrypted,
            VirtualHost = ReadVirtualHost(uri.AbsolutePath),
        };
        read = ReadAccount(read, uri.UserInfo);
        read = uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Aggregate(read, ReadOption);
        if (!isEncrypted && (read.AuthorityFile ?? read.CertificateFile ?? read.KeyFile) is not null)
            throw new FormatException("The options ca=, cert= and key= of the address of RabbitMQ are for TLS: such an address begins with amqps://.");
        if (read is { KeyFile: not null, CertificateFile: null })
            throw new FormatException("The address of RabbitMQ names a key (key=), but no certificate that it belongs to: add cert=.");
        return read;
    }

    /// <summary>The address as people may see it: without the password.</summary>
    public override string ToString()
    {
        var host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
        return VirtualHost == "/" ? host : $"{host}/{VirtualHost}";
    }

    private static RabbitAddress ReadAccount(RabbitAddress address, string account)
    {
        if (account.Length == 0)
            return address;
        var colon = account.IndexOf(':', StringComparison.Ordinal);
        return address with
        {
            User = Uri.UnescapeDataString(colon < 0 ? account : account[..colon]),
            Password = colon < 0 ? "" : Uri.UnescapeDataString(account[(colon + 1)..]),
        };
    }

    // No path is the virtual host "/", and so is a path that is empty: an empty name for a virtual host is almost certainly not meant.
    private static string ReadVirtualHost(string path)
    {
        var name = path.TrimStart('/');
        if (path.Length <= 1)
            return "/";
        return path[0] == '/' && path.Length - name.Length == 1 && !name.Contains('/', StringComparison.Ordinal)
            ? Uri.UnescapeDataString(name)
            : throw new FormatException($"'{path}' is not a virtual host of RabbitMQ: it has a second '/'. A '/' in its name is written %2F; the virtual host '/' is written as no path at all.");
    }

    private static string ReadPrefix(string text) => Regex.IsMatch(text, $@"^(?:{RabbitMQOptions.PrefixPattern})\z")
        ? text
        : throw new FormatException($"'{text}' is not a prefix: a prefix has 1 to 40 letters, digits, '_', '.' and '-'.");

    private static RabbitMQWire ReadWire(string text) => text switch
    {
        "runnel" => RabbitMQWire.Runnel,
        "django" => RabbitMQWire.Django,
        _ => throw new FormatException($"There is no wire '{text}': write wire=runnel, or wire=django for groups that are shared with Python's channels_rabbitmq."),
    };

    private static RabbitAddress ReadOption(RabbitAddress address, string option)
    {
        var equals = option.IndexOf('=', StringComparison.Ordinal);
        var (name, value) = equals < 0 ? (option, "") : (option[..equals], Uri.UnescapeDataString(option[(equals + 1)..]));
        return name switch
        {
            _ when value.Length == 0 => throw new FormatException($"The option '{name}' of the RabbitMQ address has no value: {Options}."),
            "prefix" => address with { Prefix = ReadPrefix(value) },
            "wire" => address with { Wire = ReadWire(value) },
            "ca" => address with { AuthorityFile = value },
            "cert" => address with { CertificateFile = value },
            "key" => address with { KeyFile = value },
            _ => throw new FormatException($"A RabbitMQ address has no option '{name}': {Options}."),
        };
    }
}
