using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Runnel.Bench;

/// <summary>A client of <c>runnel.v1</c> in one group: keeps its position by the rules of docs/protocol.md, and comes back as the server asks.</summary>
/// <remarks>Where one node refuses the connection, it asks the next one at once, as a load balancer would do for it. All of its methods are called under the lock of <see cref="ClientLoop"/>.</remarks>
internal sealed class RecoveringClient(ClientLoop loop, int tag, RecoveringGroup group, int[] ports, int firstNode, int receiveBuffer) : ISocketReader, IDisposable
{
    private const double RetryBase = 500, RetryCap = 20_000; // the browser client's

    private readonly Random _random = new(tag);
    private GreetedSocket? _socket;
    private string? _seal; // null: it has no position
    private byte[] _position = [];
    private int _positionLength;
    private (double After, double Within) _pace = (0, RetryBase);
    private int _node = firstNode;
    private int _refusals;
    private int _failures;
    private long _connectedAt;
    private long _stalledUntil;
    private bool _isAway;
    private bool _isReturning;
    private bool _hasJoinedBefore;

    public Arrivals Arrivals { get; } = new();

    public RecoveringGroup Group => group;

    public bool IsJoined { get; private set; }

    /// <summary>How often its connection ended, and not by its own doing.</summary>
    public int Ended { get; private set; }

    /// <summary>Whether it lacks a message that it should have.</summary>
    public bool Lacks(long number) => group.Owns(number) && !Arrivals.Has(number);

    /// <summary>Whether it has a message, or was told that something is missing there, or the message is none of its group.</summary>
    public bool IsDoneWith(long number) => !Lacks(number) || Arrivals.KnowsOfLoss(number);

    /// <summary>Connects.</summary>
    public void Connect()
    {
        if (_isAway)
            return;
        _connectedAt = Stopwatch.GetTimestamp();
        _socket = new GreetedSocket(ports[_node], $"/recovery?group={group.Name}", receiveBuffer);
        loop.Watch(_socket, tag);
        IsJoined = false;
    }

    /// <summary>Breaks off, and connects again after a while.</summary>
    /// <param name="away">For how long; infinite, to stay away until <see cref="ComeBack"/>.</param>
    public void Cut(TimeSpan away)
    {
        Drop();
        _isAway = true;
        if (away != Timeout.InfiniteTimeSpan)
            loop.After(away, ComeBack);
    }

    public void ComeBack()
    {
        _isAway = false;
        Connect();
    }

    /// <summary>From its next return on, it goes to another node.</summary>
    public void Move(int node) => _node = node;

    /// <summary>Reads nothing for a while.</summary>
    public void Stall(TimeSpan time)
    {
        _stalledUntil = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        loop.After(time, () =>
        {
            _stalledUntil = 0;
            Advance(loop.Buffer);
        });
    }

    /// <summary>Something may have come.</summary>
    public void Advance(byte[] buffer)
    {
        if (_socket is null || _stalledUntil > 0 || _socket.Advance(buffer, this))
            return;
        var wasRefused = !_socket.HasAnswer;
        var wasJoined = IsJoined;
        Drop();
        Return(wasRefused, wasJoined);
    }

    public void Opened()
    {
        var positions = _seal is { } seal
            ? $$"""{"position":"{{Encoding.ASCII.GetString(_position, 0, _positionLength)}}","seal":"{{seal}}"}"""
            : "";
        _socket!.Send($$$"""{"hello":{"version":1,"client":"client-{{{tag:D8}}}","positions":[{{{positions}}}]}}""");
    }

    public void Take(ReadOnlySpan<byte> text)
    {
        if (text.StartsWith("{\"payload\""u8))
            TakePayload(text);
        else
            TakeNotice(JsonElement.Parse(text));
    }

    public void Dispose() => Drop();

    private void TakePayload(ReadOnlySpan<byte> text)
    {
        var reader = new Utf8JsonReader(text);
        var number = 0L;
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName)
                continue;
            if (reader.ValueTextEquals("number"u8) && reader.Read())
                number = reader.GetInt64();
            else if (reader.ValueTextEquals("position"u8) && reader.Read())
                KeepPosition(reader.ValueSpan);
        }
        group.Messages++;
        if (number == 0)
            return;
        Arrivals.Take(number);
        group.Newest = Math.Max(group.Newest, number);
        LookWhetherLevel();
    }

    private void TakeNotice(JsonElement message)
    {
        if (message.TryGetProperty("hello", out var hello))
            TakePace(hello);
        if (message.TryGetProperty("joined", out var joined))
            TakeJoined(joined.EnumerateArray().Single(), message.TryGetProperty("lost", out var lost) && lost.GetArrayLength() > 0);
        if (message.TryGetProperty("gap", out _))
        {
            _seal = null;
            Arrivals.Tell();
        }
        if (message.TryGetProperty("close", out var close))
            TakePace(close);
    }

    private void TakeJoined(JsonElement entry, bool hasLost)
    {
        var isRecovered = entry.GetProperty("outcome").GetString() == "recovered";
        // A snapshot is what the application sends then: whatever is missing until here, the client knows.
        if (hasLost || (_hasJoinedBefore && !isRecovered))
            Arrivals.Tell();
        _hasJoinedBefore = true;
        _seal = null;
        if (entry.TryGetProperty("position", out var position))
        {
            _seal = entry.GetProperty("seal").GetString();
            KeepPosition(Encoding.ASCII.GetBytes(position.GetString()!));
        }
        (IsJoined, _failures, _refusals) = (true, 0, 0);
        if (_isReturning)
            loop.Returns.Attach(_connectedAt);
        LookWhetherLevel();
    }

    private void LookWhetherLevel()
    {
        if (!_isReturning || !IsJoined || (group.Newest > 0 && !Arrivals.Has(group.Newest)))
            return;
        _isReturning = false;
        loop.Returns.CatchUp(_connectedAt);
    }

    private void TakePace(JsonElement holder)
    {
        if (holder.TryGetProperty("reconnect", out var reconnect))
            _pace = (reconnect.GetProperty("after").GetDouble(), reconnect.GetProperty("within").GetDouble());
    }

    private void KeepPosition(ReadOnlySpan<byte> position)
    {
        if (position.Length > _position.Length)
            _position = new byte[position.Length + 8]; // it grows by a digit now and then
        position.CopyTo(_position);
        _positionLength = position.Length;
    }

    private void Drop()
    {
        _socket?.Dispose();
        _socket = null;
        if (IsJoined)
            _isReturning = true;
        IsJoined = false;
    }

    private void Return(bool wasRefused, bool wasJoined)
    {
        if (wasRefused && ++_refusals < ports.Length)
        {
            _node = (_node + 1) % ports.Length;
            Connect();
            return;
        }
        if (wasJoined)
            Ended++;
        else
            _failures++;
        _refusals = 0;
        var first = _failures == 0 ? _pace.Within : Math.Max(RetryBase, _pace.Within);
        var wait = _pace.After + (_random.NextDouble() * Math.Min(Math.Max(RetryCap, _pace.Within), first * Math.Pow(2, _failures)));
        loop.After(TimeSpan.FromMilliseconds(wait), Connect);
    }
}
