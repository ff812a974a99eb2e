using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Workers.Jobs;

namespace Runnel.Workers.Channels;

/// <summary>Remembers on the layer which channels workers have taken messages from, so that a message that nobody will ever take is told of.</summary>
/// <remarks>
/// A worker that starts sets a value for each of its channels, which is kept for a year: a channel whose workers are only being restarted has consumers. Where no layer
/// remembers anything, nothing is told.
/// </remarks>
internal sealed class ConsumedChannels(ChannelRegistry registry, IStateStore states, ILogger<ConsumedChannels> logger)
{
    private const string Prefix = "consumed.";
    private const int MostLooked = 10_000; // names may come from users
    private static readonly TimeSpan Remembered = TimeSpan.FromDays(365);
    private static readonly byte[] Taken = "taken"u8.ToArray();

    private readonly ConcurrentDictionary<string, bool> _looked = new(StringComparer.Ordinal);

    /// <summary>This worker takes messages from these channels.</summary>
    public async Task RememberAsync(IEnumerable<ChannelName> channels, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var channel in channels)
                await states.SetAsync(NameOf(channel), Taken, Remembered, cancellationToken);
        }
        catch (NotSupportedException)
        {
            // Nothing is remembered.
        }
    }

    /// <summary>A message was sent: if the channel has no consumers, that is logged, once. Never throws, and nobody waits for it.</summary>
    public void AfterSend(ChannelName channel)
    {
        // The key first: to count takes all locks of the dictionary.
        if (registry.Find(channel) is not { HasConsumers: true } && !_looked.ContainsKey(channel.Value) && _looked.Count < MostLooked && _looked.TryAdd(channel.Value, true))
            _ = LookAsync(channel);
    }

    private async Task LookAsync(ChannelName channel)
    {
        try
        {
            if (await states.GetAsync(NameOf(channel)) is null)
                Log.NobodyConsumes(logger, channel);
        }
        catch (NotSupportedException)
        {
            // Nothing is remembered.
        }
        catch (Exception exception)
        {
            _looked.TryRemove(channel.Value, out _);
            Log.ConsumersNotKnown(logger, exception, channel);
        }
    }

    // A channel's name may be as long as a group's, which leaves no room for the prefix.
    private static string NameOf(ChannelName channel)
    {
        var name = Prefix + channel.Value;
        return GroupName.IsValid(name) ? name : Prefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(channel.Value)));
    }
}
