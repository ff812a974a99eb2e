using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Runnel.Layers;
using Runnel.Workers.Jobs;

namespace Runnel.Workers.Channels;

/// <summary>Remembers on the layer which channels workers have taken messages from, so that a message that nobody will ever take is told of.</summary>
/// <remarks>
/// A worker that starts publishes, for each of its channels, to a topic whose history keeps that for a year: a channel whose workers are only being
/// restarted has consumers. A layer without history remembers nothing, and nothing is told.
/// </remarks>
internal sealed class ConsumedChannels(ChannelRegistry registry, IBackplane backplane, ILogger<ConsumedChannels> logger)
{
    private const string Prefix = "consumed.";
    private const int MostLooked = 10_000; // names may come from users
    private static readonly Retention Remembered = new(1, TimeSpan.FromDays(365));
    private static readonly byte[] Taken = EnvelopeFormat.Encode(new Envelope(new Message("runnel:consumed", ReadOnlyMemory<byte>.Empty)));

    private readonly ConcurrentDictionary<string, bool> _looked = new(StringComparer.Ordinal);

    private bool CanRemember => backplane.Features.HasFlag(BackplaneFeatures.History);

    /// <summary>This worker takes messages from these channels.</summary>
    public async Task RememberAsync(IEnumerable<ChannelName> channels, CancellationToken cancellationToken)
    {
        if (!CanRemember)
            return;
        foreach (var channel in channels)
            await backplane.PublishAsync(TopicOf(channel), Taken, Remembered, cancellationToken);
    }

    /// <summary>A message was sent: if the channel has no consumers, that is logged, once. Never throws, and nobody waits for it.</summary>
    public void AfterSend(ChannelName channel)
    {
        // The key first: to count takes all locks of the dictionary.
        if (registry.Find(channel) is not { HasConsumers: true } && CanRemember && !_looked.ContainsKey(channel.Value) && _looked.Count < MostLooked && _looked.TryAdd(channel.Value, true))
            _ = LookAsync(channel);
    }

    private async Task LookAsync(ChannelName channel)
    {
        try
        {
            var history = await backplane.ReadHistoryAsync(TopicOf(channel), Position.None, limit: 1);
            if (history.Messages.Count == 0)
                Log.NobodyConsumes(logger, channel);
        }
        catch (Exception exception)
        {
            _looked.TryRemove(channel.Value, out _);
            Log.ConsumersNotKnown(logger, exception, channel);
        }
    }

    // A channel's name may be as long as a group's, which leaves no room for the prefix.
    private static Topic TopicOf(ChannelName channel)
    {
        var name = Prefix + channel.Value;
        return Topic.OfState(GroupName.IsValid(name) ? name : Prefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(channel.Value))));
    }
}
