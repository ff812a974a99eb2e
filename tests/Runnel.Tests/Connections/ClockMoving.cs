using Runnel.Specification;

namespace Runnel.Tests.Connections;

/// <summary>Moving the clock for what sets its timer a moment after the test can know of it.</summary>
internal static class ClockMoving
{
    public static Task MoveUntil(this ManualTimeProvider clock, TimeSpan step, Func<bool> condition, string what) => Wait.Until(
        () =>
        {
            clock.Advance(step);
            return condition();
        },
        what);
}
