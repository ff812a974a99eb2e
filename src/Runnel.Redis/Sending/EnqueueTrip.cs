using Runnel.Redis.Resp;

namespace Runnel.Redis.Sending;

/// <summary>The requests that go to Redis together, as Scripts/enqueue.lua takes them, and what it answers for each.</summary>
/// <remarks>
/// What many callers send one by one is one group for the script: it stores as many of them as there is room for, in their order. What one caller sends
/// together is a group of its own, stored wholly or not at all.
/// </remarks>
internal sealed class EnqueueTrip
{
    private readonly List<Range> _groups = [];
    private readonly TaskCompletionSource<bool> _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="requests">The requests, in their order.</param>
    /// <param name="place">Which of the trips it is that may be under way at once.</param>
    /// <param name="number">A number that no other request of this process has.</param>
    /// <param name="preceding">The trip that was sent before this one and has no answer yet.</param>
    public EnqueueTrip(IReadOnlyList<EnqueueRequest> requests, int place, long number, EnqueueTrip? preceding = null)
    {
        (Requests, Place, Number) = (requests, place, number);
        Preceding = preceding is null ? null : (preceding.Place, preceding.Number);
        PrecedingArrived = preceding?._arrived.Task ?? Task.FromResult(false);
        for (var (from, to) = (0, 0); from < requests.Count; from = to)
        {
            for (to = from + 1; to < requests.Count && GoTogether(requests[from], requests[to]);)
                to++;
            _groups.Add(from..to);
            Arguments += 4;
            for (var i = from; i < to; i++)
            {
                Arguments += requests[i].Messages.Length * (requests[i].IsPlain ? 2 : 4);
                Size += requests[i].Bytes + (requests[i].Messages.Length * 48);
            }
        }
    }

    public IReadOnlyList<EnqueueRequest> Requests { get; }

    public int Place { get; }

    public long Number { get; }

    /// <summary>The trip that was sent before this one and had no answer then: if that one finds no room and waits for it, this one stores nothing.</summary>
    /// <remarks>Not the trip itself: while senders are busy, each trip would keep the one before it, and the line everything that it has ever sent.</remarks>
    public (int Place, long Number)? Preceding { get; }

    /// <summary>Completes when the trip before this one is over: whether Redis has answered it.</summary>
    public Task<bool> PrecedingArrived { get; }

    /// <summary>How many arguments it has.</summary>
    public int Arguments { get; }

    /// <summary>About how many bytes they are.</summary>
    public int Size { get; }

    /// <summary>It is over: Redis has answered it, or never will.</summary>
    public void End(bool arrived) => _arrived.TrySetResult(arrived);

    /// <summary>Adds the arguments.</summary>
    public void Write(RespWriter writer)
    {
        foreach (var group in _groups)
        {
            var first = Requests[group.Start.Value];
            var count = group.End.Value - group.Start.Value;
            writer.Add(first.Options.Capacity);
            writer.Add(count > 1 ? count : first.Messages.Length);
            writer.Add(IsSingle(first) ? "singles"u8 : first.IsPlain ? "plain"u8 : "full"u8);
            writer.Add(first.MayWaitForRoom ? 1 : 0);
            for (var i = group.Start.Value; i < group.End.Value; i++)
                Write(writer, Requests[i]);
        }
    }

    /// <summary>How many messages of each request were stored; -1 where there was no room.</summary>
    public int[] Read(ReadOnlySpan<RespValue> answer)
    {
        var stored = new int[Requests.Count];
        for (var i = 0; i < _groups.Count; i++)
        {
            var (from, count) = _groups[i].GetOffsetAndLength(Requests.Count);
            var result = (int)answer[i].AsNumber();
            if (!IsSingle(Requests[from]))
            {
                stored[from] = result;
                continue;
            }
            stored.AsSpan(from, result).Fill(1);
            stored.AsSpan(from + result, count - result).Fill(-1);
        }
        return stored;
    }

    private static bool IsSingle(EnqueueRequest request) => request is { IsPlain: true, Messages.Length: 1 };

    private static bool GoTogether(EnqueueRequest first, EnqueueRequest next) =>
        IsSingle(first) && IsSingle(next) && first.Options.Capacity == next.Options.Capacity && first.MayWaitForRoom == next.MayWaitForRoom;

    private static void Write(RespWriter writer, EnqueueRequest request)
    {
        foreach (var message in request.Messages)
        {
            message.Id.Value.TryWriteBytes(writer.AddEmpty(16), bigEndian: true, out _);
            writer.Add(message.Entry);
            if (request.IsPlain)
                continue;
            writer.Add(message.DeduplicationName);
            writer.Add(message.Window);
        }
    }
}
