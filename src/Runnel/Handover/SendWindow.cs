namespace Runnel.Handover;

/// <summary>How much a consumer in a worker may send to its client before the gateway says that it is in the client's queue. Guarded by its connection.</summary>
internal struct SendWindow
{
    /// <summary>So many frames may be on their way.</summary>
    public const int MostFrames = 16;

    /// <summary>No more are sent when so many bytes are on their way.</summary>
    public const int MostBytes = 64 * 1024;

    /// <summary>After so many frames the gateway tells. Less than what may be on the way, so whoever waits hears of it.</summary>
    public const int FramesTold = MostFrames / 2;

    /// <summary>After so many bytes the gateway tells.</summary>
    public const int BytesTold = MostBytes / 2;

    private int _frames;
    private long _bytes;
    private Queue<(Frame Frame, TaskCompletionSource Sent)>? _waiting;

    /// <summary>Whether a frame can be sent now.</summary>
    public readonly bool HasRoom => _waiting is null && _frames < MostFrames && _bytes < MostBytes;

    /// <summary>A frame is on its way.</summary>
    public void Send(Frame frame) => (_frames, _bytes) = (_frames + 1, _bytes + frame.Length);

    /// <summary>Lines up a frame.</summary>
    public TaskCompletionSource Wait(Frame frame)
    {
        var sent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        (_waiting ??= new()).Enqueue((frame, sent));
        return sent;
    }

    /// <summary>The gateway has put frames into the client's queue.</summary>
    public void Take(int frames, long bytes) => (_frames, _bytes) = (_frames - frames, _bytes - bytes);

    /// <summary>The next frame that can be sent now.</summary>
    public Frame? Next()
    {
        while (_waiting is not null && _frames < MostFrames && _bytes < MostBytes)
        {
            var (frame, sent) = _waiting.Dequeue();
            if (_waiting.Count == 0)
                _waiting = null;
            if (sent.TrySetResult()) // the frame of a cancelled wait is left out
                return frame;
        }
        return null;
    }

    /// <summary>Nothing is sent any more: nobody waits.</summary>
    public void End()
    {
        foreach (var (_, sent) in _waiting ?? [])
            sent.TrySetResult();
        _waiting = null;
    }
}
