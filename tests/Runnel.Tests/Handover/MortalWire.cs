using System.Runtime.InteropServices;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Links;

namespace Runnel.Tests.Handover;

/// <summary>A node's way to the others, on which nothing goes in or out while its process is dead, or stands still.</summary>
internal sealed class MortalWire(InMemoryBackplane inner) : DelegatingBackplane(inner)
{
    private readonly Lock _lock = new();
    private readonly List<Action> _late = [];
    private bool _isStill;

    /// <summary>Whether the process was killed: what comes and goes is lost.</summary>
    public bool IsDead { get; set; }

    /// <summary>What subscribing fails with, if anything.</summary>
    public Exception? Refusal { get; set; }

    /// <summary>The process stands still: what comes and goes waits.</summary>
    public void StandStill()
    {
        lock (_lock)
            _isStill = true;
    }

    /// <summary>The process goes on: what waited arrives.</summary>
    public void GoOn()
    {
        List<Action> late;
        lock (_lock)
        {
            _isStill = false;
            late = [.. _late];
            _late.Clear();
        }
        late.ForEach(static step => step());
    }

    public override ValueTask<Position> PublishAsync(Topic topic, ReadOnlyMemory<byte> payload, Retention? retention, CancellationToken cancellationToken = default)
    {
        var bytes = payload.ToArray();
        if (IsDead || IsLate(() => _ = base.PublishAsync(topic, bytes, retention, CancellationToken.None).AsTask()))
            return ValueTask.FromResult(Position.None);
        return base.PublishAsync(topic, bytes, retention, cancellationToken);
    }

    public override ValueTask<ITopicSubscription> SubscribeAsync(Topic topic, ITopicListener listener, CancellationToken cancellationToken = default) =>
        Refusal is { } refusal ? throw refusal : base.SubscribeAsync(topic, new Listener(this, listener), cancellationToken);

    private bool IsLate(Action step)
    {
        lock (_lock)
        {
            if (_isStill)
                _late.Add(step);
            return _isStill;
        }
    }

    private sealed class Listener(MortalWire wire, ITopicListener inner) : ITopicListener
    {
        public void OnMessage(BackplaneMessage message)
        {
            var kept = message with { Payload = message.Payload.ToArray() };
            if (!wire.IsDead && !wire.IsLate(() => Deliver(kept)))
                Deliver(kept);
        }

        // What comes by a link is valid only during the call.
        private void Deliver(BackplaneMessage message)
        {
            var isOfLink = LinkHeader.TryRead(message.Payload.Span, out _);
            inner.OnMessage(message);
            if (isOfLink)
                MemoryMarshal.AsMemory(message.Payload).Span.Fill(byte.MaxValue);
        }

        public void OnGap(TopicGap gap) => inner.OnGap(gap);
    }
}
