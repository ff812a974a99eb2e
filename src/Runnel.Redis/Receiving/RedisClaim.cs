using System.Text.Unicode;
using Runnel.Layers;
using Runnel.Redis.Resp;

namespace Runnel.Redis.Receiving;

/// <summary>A message in a worker's hands: what the layer knows it by.</summary>
/// <param name="term">The worker's.</param>
/// <param name="channel">The channel that it was claimed on.</param>
/// <param name="step">The number of the step that claimed it.</param>
/// <param name="place">Its place among what that step claimed.</param>
/// <param name="key">The name of its key; empty when it has none.</param>
internal sealed class RedisClaim(LeaseTerm term, ChannelName channel, long step, int place, ReadOnlyMemory<byte> key)
{
    private const int LongestField = 32;

    private int _isSettled;

    public LeaseTerm Term => term;

    public ChannelName Channel => channel;

    public ReadOnlyMemory<byte> Key => key;

    /// <summary>Takes the right to settle it, which there is once.</summary>
    public bool TrySettle() => Interlocked.Exchange(ref _isSettled, 1) == 0;

    /// <summary>Adds its field among the worker's claims, as Scripts/step.lua names it. No two claims have the same.</summary>
    public void AddField(RespWriter writer)
    {
        Span<byte> field = stackalloc byte[LongestField];
        Utf8.TryWrite(field, $"{step}.{place}", out var length);
        writer.Add(field[..length]);
    }
}
