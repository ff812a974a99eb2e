using Runnel.Layers;
using Runnel.Workers.Channels;

namespace Runnel.Workers.Recurring;

/// <summary>A message that is put on a channel again and again.</summary>
/// <param name="Name">Its name, the same on all nodes.</param>
/// <param name="Schedule">When.</param>
/// <param name="Channel">Where to.</param>
/// <param name="Type">The message's type, as it is sent.</param>
/// <param name="Send">Puts one on the channel.</param>
internal sealed record RecurringMessage(string Name, ISchedule Schedule, ChannelName Channel, string Type, Func<ChannelSender, SendOptions, CancellationToken, ValueTask<SentMessage>> Send);
