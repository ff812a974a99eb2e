using System.ComponentModel.DataAnnotations;
using Runnel;

namespace Progress;

/// <summary>What a client asks for; also the message, because a task needs to know no more.</summary>
/// <param name="Steps">How many steps the task has.</param>
/// <param name="StepMilliseconds">How long each takes.</param>
/// <param name="FailAtStep">The step that goes wrong, at every attempt; <see langword="null"/> for none.</param>
[MessageType("task")]
public sealed record SteppedTask(
    [Range(1, 10_000)] int Steps = 20,
    [Range(1, 60_000)] int StepMilliseconds = 100,
    [Range(1, 10_000)] int? FailAtStep = null);

/// <summary>What a client asks for when a backend service is to do the work.</summary>
/// <param name="Seconds">How long the service takes.</param>
public sealed record PolledTaskInput([Range(0.1, 3600)] double Seconds = 3);

/// <summary>The message: ask the service how far it is.</summary>
/// <param name="Seconds">How long the service takes.</param>
/// <param name="Backend">Where the service is.</param>
/// <param name="Ticket">What the service calls the work; <see langword="null"/> until it has begun.</param>
[MessageType("polled-task")]
public sealed record PolledTask(double Seconds, Uri Backend, string? Ticket = null);
