using Runnel.InMemory.Stored;

namespace Runnel.InMemory.Channels;

internal sealed partial class InMemoryChannel
{
    /// <summary>Claims what is ready, or waits for it.</summary>
    /// <returns>Claims; a waiter when there is nothing to claim; neither when the channel has retired: get it anew.</returns>
    public (StoredMessage[]? Claims, ReceiveWaiter? Waiter) Receive(LeaseState lease, int max)
    {
        lock (_lock)
        {
            if (_retired)
                return default;
            var now = clock.Now;
            Update(now);
            StoredMessage[]? claims = null;
            ReceiveWaiter? waiter = null;
            if (!lease.IsHeld)
                claims = [];
            else if (_ready.Count > 0)
                claims = Claim(lease, max);
            else
                _receivers.AddLast(waiter = new ReceiveWaiter(lease, max));
            Leave(now);
            return (claims, waiter);
        }
    }

    /// <summary>Ends a wait for messages, unless it has been served already: then they are the receiver's.</summary>
    public void StopWaiting(ReceiveWaiter waiter, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!_receivers.Remove(waiter))
                return;
            waiter.SetCanceled(cancellationToken);
            RetireIfEmpty();
        }
    }

    private void ServeReceivers()
    {
        while (_ready.Count > 0 && _receivers.First?.Value is { } waiter)
        {
            _receivers.RemoveFirst();
            waiter.SetResult(Claim(waiter.Lease, waiter.Max));
        }
    }

    private StoredMessage[] Claim(LeaseState lease, int max)
    {
        var claims = new StoredMessage[Math.Min(max, _ready.Count)];
        for (var i = 0; i < claims.Length; i++)
        {
            var message = claims[i] = _ready.First!;
            _ready.Remove(message);
            NoLongerHeld(message);
            message.State = StoredState.Claimed;
            message.Owner = lease;
            _claimed.AddLast(message);
        }
        return claims;
    }
}
