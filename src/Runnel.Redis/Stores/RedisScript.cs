using System.Security.Cryptography;
using System.Text;
using Runnel.Redis.Resp;

namespace Runnel.Redis.Stores;

/// <summary>A script that runs inside Redis, from the files in Scripts.</summary>
internal sealed class RedisScript
{
    private readonly string _text;
    private readonly byte[] _hash;

    private RedisScript(params string[] files)
    {
        _text = string.Join('\n', files.Select(Read));
#pragma warning disable CA5350 // by which Redis knows scripts; nothing is protected with it
        _hash = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(_text))));
#pragma warning restore CA5350
    }

    public static RedisScript Publish { get; } = new("time", "aging", "epoch", "publish");

    public static RedisScript History { get; } = new("time", "aging", "epoch", "history");

    public static RedisScript Keep { get; } = new("keep");

    /// <summary>Notes the server first, which could not be noted when it was connected to.</summary>
    public static RedisScript NoteAndPublish { get; } = new("server", "time", "aging", "epoch", "publish");

    public static RedisScript Beat { get; } = new("time", "beat");

    public static RedisScript Wake { get; } = new("wake");

    public static RedisScript Enqueue { get; } = new("plain", "time", "channel", "enqueue");

    public static RedisScript Step { get; } = OfChannel("step");

    public static RedisScript Sweep { get; } = OfChannel("claims", "sweep");

    public static RedisScript Leave { get; } = OfChannel("claims", "leave");

    public static RedisScript Reclaim { get; } = OfChannel("reclaim");

    public static RedisScript Cancel { get; } = OfChannel("cancel");

    public static RedisScript Status { get; } = OfChannel("status");

    public static RedisScript Replay { get; } = OfChannel("replay");

    public static RedisScript Letters { get; } = OfChannel("letters");

    public static RedisScript Flush { get; } = OfChannel("claims", "flush");

    public static RedisScript Purge { get; } = OfChannel("purge");

    public static RedisScript Turn { get; } = new("time", "turn");

    public static RedisScript Touch { get; } = new("time", "touch");

    public static RedisScript Note { get; } = new("note");

    public static RedisScript Forget { get; } = new("time", "forget");

    /// <summary>Every script: loaded on each new connection, since a server that was restarted knows none.</summary>
    public static IReadOnlyList<RedisScript> All { get; } = [Publish, NoteAndPublish, History, Keep, Beat, Wake, Enqueue, Step, Sweep, Leave, Reclaim, Cancel, Status, Replay, Letters, Flush, Purge, Turn, Touch, Note, Forget];

    /// <summary>The command that makes the script known to Redis.</summary>
    public ReadOnlyMemory<byte> Load => RespWriter.Encode("SCRIPT", "LOAD", _text);

    /// <summary>Begins the command that runs it: its keys and arguments are to be added.</summary>
    public RespWriter Run(int keys, int arguments, int sizeHint = 512)
    {
        var writer = new RespWriter(3 + keys + arguments, sizeHint);
        writer.Add("EVALSHA"u8);
        writer.Add(_hash);
        writer.Add(keys);
        return writer;
    }

    private static RedisScript OfChannel(params string[] files) => new(["time", "channel", .. files]);

    private static string Read(string name)
    {
        using var stream = typeof(RedisScript).Assembly.GetManifestResourceStream($"{name}.lua")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
