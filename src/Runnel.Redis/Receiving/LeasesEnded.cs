namespace Runnel.Redis.Receiving;

/// <summary>Between which times a lease must have ended for its worker to be dead, in microseconds of the server's clock.</summary>
/// <remarks>A lease that ended while nobody could reach the server says nothing about its worker: the time is one in which whoever judges was heard from.</remarks>
internal readonly record struct LeasesEnded(long From, long To)
{
    /// <summary>No worker is dead.</summary>
    public static LeasesEnded None => default;
}
