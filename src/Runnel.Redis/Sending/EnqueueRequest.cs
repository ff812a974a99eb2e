using Runnel.Layers;
using Runnel.Redis.Stores;

namespace Runnel.Redis.Sending;

/// <summary>Messages that are to be stored together; the result is how many were.</summary>
internal sealed class EnqueueRequest : TaskCompletionSource<int>
{
    // One script stores them all, and nothing else happens in Redis meanwhile.
    private const int MostMessages = 100_000;
    private const int MostBytes = 256 * 1024 * 1024;

    private Action<EnqueueRequest, CancellationToken>? _leave;
    private CancellationTokenRegistration _leaving;

    /// <exception cref="ArgumentException">They are too many, or too large together.</exception>
    public EnqueueRequest(ChannelName channel, IReadOnlyList<Envelope> envelopes, EnqueueOptions options, Sealing sealing)
        : base(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        if (envelopes.Count > MostMessages)
            throw new ArgumentException($"A call stores at most {MostMessages} messages in Redis, all of them or none; these are {envelopes.Count} for channel '{channel}'. Send them in parts.", nameof(envelopes));
        if (envelopes.Count > 1 && envelopes.Sum(static envelope => (long)envelope.Message.Body.Length) > MostBytes)
            throw new ArgumentException($"A call stores at most {MostBytes / (1024 * 1024)} MiB of messages in Redis, all of them or none; the {envelopes.Count} for channel '{channel}' have more. Send them in parts.", nameof(envelopes));
        Options = options;
        Messages = new NewMessage[envelopes.Count];
        for (var i = 0; i < Messages.Length; i++)
        {
            var message = Messages[i] = new NewMessage(channel, envelopes[i], sealing);
            Weight += message.Weight;
            Bytes += message.Entry.Length;
        }
    }

    public EnqueueOptions Options { get; }

    public NewMessage[] Messages { get; }

    /// <summary>Whether nothing about any of them has to be looked at.</summary>
    public bool IsPlain => Weight == Messages.Length;

    /// <summary>About how long Redis needs to store them: see <see cref="NewMessage.Weight"/>.</summary>
    public int Weight { get; }

    public int Bytes { get; }

    /// <summary>When it was made, as a timestamp of the clock: what its wait for room counts from.</summary>
    public long Since { get; init; }

    /// <summary>When its call began, as a timestamp of the system's clock: what its wait for Redis counts from.</summary>
    public long HandedIn { get; init; }

    /// <summary>Whether it waits when there is no room. What is larger than the channel never gets any.</summary>
    public bool MayWaitForRoom => Options.WaitForRoom > TimeSpan.Zero && Messages.Length <= Options.Capacity;

    /// <summary>Its place among all of the line.</summary>
    public long Order { get; set; }

    /// <summary>Ends the wait for room; <see langword="null"/> while it has not begun.</summary>
    public ITimer? Limit { get; set; }

    /// <summary>Has its sender leave the line when the token is cancelled. It is called before it gets in line.</summary>
    public void LeaveWhen(Action<EnqueueRequest, CancellationToken> leave, CancellationToken cancelled)
    {
        _leave = leave;
        _leaving = cancelled.UnsafeRegister(static (request, token) => ((EnqueueRequest)request!).Leave(token), this);
    }

    /// <summary>So many of its messages were new and are stored.</summary>
    public void Succeed(int stored)
    {
        _leaving.Unregister(); // which, unlike disposing, waits for nobody
        TrySetResult(stored);
    }

    public void Fail(Exception exception)
    {
        _leaving.Unregister();
        TrySetException(exception);
    }

    private void Leave(CancellationToken token) => _leave!(this, token);
}
