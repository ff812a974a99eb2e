namespace Runnel.RabbitMQ.Receiving;

/// <summary>What a received message is known by: one hand-out of a delivery, which is settled once.</summary>
internal sealed class RabbitClaim(Delivery delivery, WorkerChannel channel)
{
    private int _isSettled;

    public Delivery Delivery => delivery;

    public WorkerChannel Channel => channel;

    /// <summary>Whether it was not settled yet, and is now.</summary>
    public bool TrySettle() => Interlocked.Exchange(ref _isSettled, 1) == 0;

    /// <summary>Settling did not work, and may be tried again.</summary>
    public void Unsettle() => Volatile.Write(ref _isSettled, 0);
}
