using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Runnel.Specification;

namespace Runnel.Tests.Servers;

/// <summary>A plain connection to a Redis of a test, one command at a time: what tests look with, so that they do not look with the code under test.</summary>
/// <remarks>Not thread-safe. A command that Redis refuses is an <see cref="InvalidOperationException"/>, a connection that is gone an <see cref="IOException"/>.</remarks>
public sealed class RedisProbe : IDisposable
{
    private readonly Stream _output;
    private readonly BufferedStream _input;

    private RedisProbe(Stream stream)
    {
        _output = stream;
        _input = new BufferedStream(stream);
    }

    /// <summary>Connects.</summary>
    /// <param name="port">The server's, on loopback.</param>
    /// <param name="authorityFile">The authority whose certificates are believed, for a port that speaks TLS.</param>
    public static RedisProbe Connect(int port, string? authorityFile = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Connect(IPAddress.Loopback, port);
            var limit = (int)Wait.Limit.TotalMilliseconds;
            var stream = new NetworkStream(socket, ownsSocket: true) { ReadTimeout = limit, WriteTimeout = limit };
            return new RedisProbe(authorityFile is null ? stream : Secure(stream, authorityFile));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends a command, and reads the answer.</summary>
    /// <returns>A <see cref="long"/>, a <see cref="string"/> for a status, bytes, an array of these, or <see langword="null"/>.</returns>
    public object? Ask(params string[] words)
    {
        var command = new StringBuilder().Append(CultureInfo.InvariantCulture, $"*{words.Length}\r\n");
        foreach (var word in words)
            command.Append(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        _output.Write(Encoding.UTF8.GetBytes(command.ToString()));
        _output.Flush();
        return Read() is var answer && answer is Refusal refusal
            ? throw new InvalidOperationException($"Redis answered '{words[0]}' with '{refusal.Reason}'.")
            : answer;
    }

    /// <summary>A command that is answered with a number.</summary>
    public long Number(params string[] words) => (long)Ask(words)!;

    /// <summary>A command that is answered with bytes, or with nothing.</summary>
    public byte[]? Bytes(params string[] words) => (byte[]?)Ask(words);

    /// <summary>A command that is answered with a text, or with nothing.</summary>
    public string? Text(params string[] words) => TextOf(Ask(words));

    /// <summary>A command that is answered with texts.</summary>
    public IReadOnlyList<string> Texts(params string[] words) => [.. ((object?[])Ask(words)!).Select(word => TextOf(word) ?? "")];

    /// <summary>All keys that a pattern fits, by name.</summary>
    public IReadOnlyList<string> Keys(string pattern = "*")
    {
        var keys = new SortedSet<string>(StringComparer.Ordinal);
        var cursor = "0";
        do
        {
            var page = (object?[])Ask("SCAN", cursor, "MATCH", pattern, "COUNT", "1000")!;
            cursor = TextOf(page[0])!;
            keys.UnionWith(((object?[])page[1]!).Select(key => TextOf(key)!));
        }
        while (cursor != "0");
        return [.. keys];
    }

    /// <summary>The server's time, in microseconds since 1970.</summary>
    public long Time() => Texts("TIME") is [var seconds, var microseconds]
        ? (long.Parse(seconds, CultureInfo.InvariantCulture) * 1_000_000) + long.Parse(microseconds, CultureInfo.InvariantCulture)
        : throw new InvalidDataException("Redis does not know the time.");

    public bool Exists(string key) => Number("EXISTS", key) == 1;

    /// <summary>When a key goes by itself; <see langword="null"/> for never.</summary>
    public TimeSpan? TimeToLive(string key) => Number("PTTL", key) switch
    {
        -2 => throw new InvalidOperationException($"There is no key '{key}'."),
        -1 => null,
        var milliseconds => TimeSpan.FromMilliseconds(milliseconds),
    };

    /// <summary>How often each command was called since <see cref="ForgetCommandCalls"/>, in lower case; a subcommand as <c>config|get</c>.</summary>
    /// <remarks>What a script calls counts as well as the script.</remarks>
    public IReadOnlyDictionary<string, long> CommandCalls()
    {
        const string Prefix = "cmdstat_", Calls = "calls=";
        return Info("commandstats").ToDictionary(
            line => line.Key[Prefix.Length..],
            line => long.Parse(line.Value.Split(',')[0][Calls.Length..], CultureInfo.InvariantCulture));
    }

    public void ForgetCommandCalls() => Ask("CONFIG", "RESETSTAT");

    /// <summary>A section of what the server tells of itself.</summary>
    public IReadOnlyDictionary<string, string> Info(string section) => Text("INFO", section)!
        .Split("\r\n", StringSplitOptions.RemoveEmptyEntries)
        .Where(line => line[0] != '#')
        .Select(line => line.Split(':', 2))
        .ToDictionary(line => line[0], line => line[1]);

    /// <summary>The connections that there are, this one included, each a line of <c>name=value</c>.</summary>
    public IReadOnlyList<string> Clients() => Text("CLIENT", "LIST")!.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Has the server close all connections but this one.</summary>
    /// <returns>How many.</returns>
    public long KillClients() => Number("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") + Number("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes");

    /// <summary>Changes the server's configuration while it runs.</summary>
    public void Configure(string name, string value) => Ask("CONFIG", "SET", name, value);

    /// <summary>Deletes everything.</summary>
    public void Flush() => Ask("FLUSHALL");

    public void Dispose() => _input.Dispose();

    private static SslStream Secure(Stream stream, string authorityFile)
    {
        var secure = new SslStream(stream);
        secure.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { X509CertificateLoader.LoadCertificateFromFile(authorityFile) },
                RevocationMode = X509RevocationMode.NoCheck,
            },
        });
        return secure;
    }

    private static string? TextOf(object? answer) => answer switch
    {
        byte[] bytes => Encoding.UTF8.GetString(bytes),
        _ => answer?.ToString(),
    };

    private object? Read()
    {
        var line = ReadLine();
        return line[0] switch
        {
            '+' => line[1..],
            '-' => new Refusal(line[1..]),
            ':' => Number(),
            '$' => Number() is var length && length < 0 ? null : ReadBytes((int)length),
            '*' => Number() is var count && count < 0 ? null : ReadArray((int)count),
            _ => throw new InvalidDataException($"Redis does not speak so: '{line}'."),
        };

        long Number() => long.Parse(line.AsSpan(1), CultureInfo.InvariantCulture);
    }

    private object?[] ReadArray(int count)
    {
        var answers = new object?[count];
        for (var i = 0; i < count; i++)
            answers[i] = Read();
        return answers;
    }

    private byte[] ReadBytes(int length)
    {
        var bytes = new byte[length + 2];
        _input.ReadExactly(bytes);
        return bytes[..length];
    }

    private string ReadLine()
    {
        var line = new StringBuilder();
        while (_input.ReadByte() is var letter && letter != '\n')
            line.Append(letter < 0 ? throw new EndOfStreamException("Redis closed the connection.") : (char)letter);
        return line.ToString().TrimEnd('\r');
    }

    private sealed record Refusal(string Reason);
}
