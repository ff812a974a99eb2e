using System.Security.Cryptography;
using Runnel.Layers;
using Runnel.Nodes;

namespace Runnel.Groups;

/// <summary>The key of the positions: the first node that needs it makes it, and all others read it from the state store.</summary>
internal sealed class PositionKey(IStateStore states, NodeContext node)
{
    private const string Name = "runnel.positions.key", MakerName = "runnel.positions.maker";
    private const int Bytes = 32;

    // Each start begins the time anew, so the key of an application that is in use does not end.
    private static readonly TimeSpan Kept = TimeSpan.FromDays(400);
    private static readonly TimeSpan MakerLapse = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MakerRest = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private Task<byte[]>? _reading;

    /// <summary>Whether there can be one: something has to remember it.</summary>
    public bool CanBe => states is not LackingStateStore;

    /// <summary>Reads the key, or makes it. A failure is not remembered.</summary>
    public Task<byte[]> GetAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_reading is null or { IsFaulted: true } or { IsCanceled: true })
                _reading = Task.Run(ReadOrMakeAsync, CancellationToken.None);
            return _reading.WaitAsync(cancellationToken);
        }
    }

    private async Task<byte[]> ReadOrMakeAsync()
    {
        while (true)
        {
            if (await states.GetAsync(Name) is { Value.Length: Bytes } known)
                return await KeepAsync(known.Value.ToArray());
            if (await states.ReserveAsync(MakerName, MakerLapse, MakerLapse) is { } reservation)
            {
                try
                {
                    // Somebody may have made it just before.
                    if (await states.GetAsync(Name) is not { Value.Length: Bytes })
                        await states.SetAsync(Name, RandomNumberGenerator.GetBytes(Bytes), Kept);
                }
                finally
                {
                    await states.ReleaseAsync(reservation);
                }
                continue;
            }
            await Task.Delay(MakerRest, TimeProvider.System); // by the system's clock: another process is at work
        }
    }

    private async Task<byte[]> KeepAsync(byte[] key)
    {
        try
        {
            await states.SetAsync(Name, key, Kept);
        }
        catch (BackplaneUnavailableException exception)
        {
            Log.PositionKeyNotKept(node.Logger, exception);
        }
        return key;
    }
}
