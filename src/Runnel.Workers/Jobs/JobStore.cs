using Runnel.Layers;

namespace Runnel.Workers.Jobs;

/// <summary>Keeps the states of tracked jobs: each is a value under the name of the group <c>job.&lt;id&gt;</c>.</summary>
/// <remarks>So a page that joins the group sees the states as they come, and one that opens late reads the latest. No table, no polling.</remarks>
internal sealed class JobStore(IStateStore states)
{
    private const string JsonType = "json";

    private static readonly TimeSpan Longest = TimeSpan.FromDays(3650); // what layers compute with stays a date

    /// <summary>The final states that are to be published when the layer takes them.</summary>
    public LateStates Late { get; } = new();

    /// <summary>Publishes a late state, unless the job has a later one: its dead letter was replayed meanwhile, say.</summary>
    public async ValueTask PublishUnlessLaterAsync(LateState late, CancellationToken cancellationToken)
    {
        if (await FindAsync(late.Id, cancellationToken) is not { Status: var present } || present.UpdatedAt <= late.Status.UpdatedAt)
            await PublishAsync(late.Id, late.Status, late.Retention, cancellationToken: cancellationToken);
    }

    /// <summary>Publishes a state.</summary>
    /// <param name="id">The job's.</param>
    /// <param name="status">The state.</param>
    /// <param name="retention">How long it is kept.</param>
    /// <param name="wait">How long nothing can happen to the job: it is kept longer by that, or a job that waits would be forgotten.</param>
    /// <param name="cancellationToken">Ends the wait for the layer.</param>
    public async ValueTask PublishAsync(MessageId id, JobStatus status, TimeSpan retention, TimeSpan wait = default, CancellationToken cancellationToken = default)
    {
        var payload = EnvelopeFormat.Encode(new Envelope(JobHeaders.Write(JsonType, status), EnvelopeKind.TextFrame));
        // Until it expires at least, or nobody could conclude that it has.
        if (JobExpiry.CertainAt(status) - status.UpdatedAt is { } life && life > wait)
            wait = life;
        await states.SetAsync(NameOf(id), payload, wait < Longest ? retention + wait : Longest, cancellationToken);
    }

    public async ValueTask<(JobStatus Status, Position Position)?> FindAsync(MessageId id, CancellationToken cancellationToken)
    {
        try
        {
            return await states.GetAsync(NameOf(id), cancellationToken) is { } latest ? (Read(latest.Value), latest.Position) : null;
        }
        catch (NotSupportedException)
        {
            return null; // where nothing is remembered, no job is tracked
        }
    }

    public ValueTask<IAsyncDisposable> WatchAsync(MessageId id, Action<JobStatus, Position> onStatus, CancellationToken cancellationToken) =>
        states.WatchAsync(NameOf(id), value => onStatus(Read(value.Value), value.Position), cancellationToken);

    /// <summary>Remembers that a job is to be cancelled, for whoever begins it: where the queue takes no message back.</summary>
    public ValueTask AskToCancelAsync(MessageId id, TimeSpan keep, CancellationToken cancellationToken) => states.SetAsync(CancelNameOf(id), default, keep, cancellationToken);

    /// <summary>Whether a job that begins is to be cancelled. If that cannot be told, it is not: the request was answered with "perhaps".</summary>
    public async ValueTask<bool> IsToBeCancelledAsync(MessageId id, CancellationToken cancellationToken)
    {
        try
        {
            return await states.GetAsync(CancelNameOf(id), cancellationToken) is not null;
        }
        catch (Exception exception) when (exception is BackplaneUnavailableException or OperationCanceledException)
        {
            return false;
        }
    }

    private static string CancelNameOf(MessageId id) => $"cancel.{id}";

    private static string NameOf(MessageId id) => JobStatus.GroupOf(id).Value;

    private static JobStatus Read(ReadOnlyMemory<byte> payload) => JobHeaders.Read(EnvelopeFormat.Decode(payload).Message);
}
