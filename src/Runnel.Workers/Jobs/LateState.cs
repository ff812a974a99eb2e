using Runnel.Layers;

namespace Runnel.Workers.Jobs;

/// <summary>The final state of a job that could not be published in time.</summary>
/// <param name="Id">The job.</param>
/// <param name="Status">The state.</param>
/// <param name="Retention">How long it is kept, and worth publishing.</param>
internal sealed record LateState(MessageId Id, JobStatus Status, TimeSpan Retention);
