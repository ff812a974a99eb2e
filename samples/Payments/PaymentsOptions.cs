using Runnel.Workers;

namespace Payments;

/// <summary>How patient the sample is; on a developer's machine, not very.</summary>
internal sealed class PaymentsOptions
{
    /// <summary>How long nothing has to happen to an order until it counts as forgotten; longer than any rest between attempts.</summary>
    public TimeSpan ForgottenAfter { get; set; }

    public static TimeSpan ReconcileEvery(IHostEnvironment environment) => TimeSpan.FromSeconds(environment.IsDevelopment() ? 2 : 60);

    public static TimeSpan ForgottenAfterIn(IHostEnvironment environment) => TimeSpan.FromSeconds(environment.IsDevelopment() ? 3 : 120);

    public static RetryPolicy RetryIn(IHostEnvironment environment) => environment.IsDevelopment()
        ? new() { MaxAttempts = 8, BaseDelay = TimeSpan.FromMilliseconds(100), MaxDelay = TimeSpan.FromMilliseconds(500) }
        : new() { MaxAttempts = 8, BaseDelay = TimeSpan.FromMilliseconds(500), MaxDelay = TimeSpan.FromSeconds(30) };
}
