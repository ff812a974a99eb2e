using System.Text.Json;

namespace Runnel.Workers.Jobs;

/// <summary>What ends the jobs of one worker, and how they write and read messages.</summary>
/// <param name="Json">How messages are written.</param>
/// <param name="Reading">How messages are read.</param>
/// <param name="LeaseLost">The worker lost its lease: other workers have its messages.</param>
/// <param name="Stop">The worker stops and the grace is over.</param>
internal sealed record JobLimits(JsonSerializerOptions Json, JsonSerializerOptions Reading, CancellationToken LeaseLost, CancellationToken Stop);
