using System.Text.Json;
using Runnel;
using Runnel.Layers;
using Runnel.Workers;

namespace Progress;

/// <summary>A visitor's tasks that were started lately, on whichever node: a history on the layer that remembers, and an event to the visitor's group.</summary>
/// <remarks>So a page hears of a task that another page starts, and one that opens later finds it. There is no table to keep.</remarks>
internal sealed class RecentTasks(IBackplane backplane, IGroups groups, IJobs jobs)
{
    /// <summary>The event's type.</summary>
    public const string Added = "task.added";

    private static readonly Retention Remembered = new(50, TimeSpan.FromDays(1));

    public static GroupName GroupOf(string? visitor) => $"tasks.{visitor ?? "nobody"}";

    public async ValueTask AddAsync(string? visitor, MessageId id, CancellationToken cancellationToken)
    {
        var added = new TaskAdded(id.ToString());
        var kept = new Envelope(new Message(Added, JsonSerializer.SerializeToUtf8Bytes(added, JsonSerializerOptions.Web))) { Id = id };
        await backplane.PublishAsync(HistoryOf(visitor), EnvelopeFormat.Encode(kept), Remembered, cancellationToken);
        await groups.SendEventAsync(GroupOf(visitor), Added, added, cancellationToken);
    }

    /// <summary>The latest tasks, newest first.</summary>
    public async ValueTask<IReadOnlyList<MessageId>> ListAsync(string? visitor, CancellationToken cancellationToken)
    {
        var history = await backplane.ReadHistoryAsync(HistoryOf(visitor), Position.None, Remembered.Messages, cancellationToken);
        return [.. history.Messages.Select(message => EnvelopeFormat.Decode(message.Payload).Id).Reverse()];
    }

    // The layer for groups may keep no history; the one that remembers the states of jobs does.
    private static Topic HistoryOf(string? visitor) => Topic.OfState(GroupOf(visitor).Value);

    /// <summary>The present states of tasks; one whose state is no longer kept is left out.</summary>
    public async Task<IReadOnlyList<JobStatus>> StatesAsync(IEnumerable<MessageId> ids, CancellationToken cancellationToken)
    {
        var states = new List<JobStatus>();
        foreach (var id in ids)
        {
            if (await jobs.FindAsync(id, cancellationToken) is { } state)
                states.Add(state);
        }
        return states;
    }
}

/// <summary>A task was started.</summary>
public sealed record TaskAdded(string Id);
