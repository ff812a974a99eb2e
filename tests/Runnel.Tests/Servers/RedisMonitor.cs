using System.Net;
using System.Net.Sockets;
using System.Text;
using Runnel.Specification;

namespace Runnel.Tests.Servers;

/// <summary>Watches all that a Redis of a test does, and counts what each script does: the server shows a script's own commands behind it, and marks them.</summary>
internal sealed class RedisMonitor : IDisposable
{
    private const string OfScript = " lua] ";

    private readonly StreamReader _shown;
    private readonly string _end = $"{Guid.NewGuid():N}";
    private readonly Task<(int Commands, int Words)> _watching;

    private RedisMonitor(NetworkStream stream)
    {
        _shown = new StreamReader(stream, Encoding.Latin1);
        stream.Write("MONITOR\r\n"u8);
        if (_shown.ReadLine() is not "+OK")
            throw new InvalidDataException("Redis does not let this connection watch.");
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>Watches from now on.</summary>
    public static RedisMonitor Watch(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Loopback, port);
        return new RedisMonitor(new NetworkStream(socket, ownsSocket: true));
    }

    /// <summary>Ends.</summary>
    /// <returns>The most commands that one script called, and the most words that these had together, those that stand for values included.</returns>
    public Task<(int Commands, int Words)> EndAsync(RedisProbe probe)
    {
        probe.Ask("ECHO", _end);
        return Wait.For(_watching, "all that Redis has done to be shown");
    }

    public void Dispose() => _shown.Dispose();

    private async Task<(int Commands, int Words)> WatchAsync()
    {
        var (most, mostWords) = (0, 0);
        for (var (commands, words) = (0, 0); ;)
        {
            var line = await _shown.ReadLineAsync() ?? throw new EndOfStreamException("Redis closed the connection.");
            if (line.Contains(OfScript, StringComparison.Ordinal) && line.IndexOf('"', StringComparison.Ordinal) > line.IndexOf(OfScript, StringComparison.Ordinal))
            {
                (commands, words) = (commands + 1, words + WordsIn(line));
                continue;
            }
            (most, mostWords) = (Math.Max(most, commands), Math.Max(mostWords, words));
            (commands, words) = (0, 0);
            if (line.Contains(_end, StringComparison.Ordinal))
                return (most, mostWords);
        }
    }

    // Each stands in quotation marks, and one that is part of it behind a backslash, as does a backslash.
    private static int WordsIn(string line)
    {
        var marks = 0;
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '\\')
                i++;
            else if (line[i] == '"')
                marks++;
        }
        return marks / 2;
    }
}
