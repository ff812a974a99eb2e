using System.ComponentModel.DataAnnotations;
using Runnel.Workers;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>What a channel's options and the worker's may be: the edges are allowed, and what is beyond them is refused with the option's name.</summary>
public sealed class WorkOptionRangesTests
{
    public static TheoryData<string, object?, object?> OfChannels => new()
    {
        { nameof(ChannelOptions.Capacity), 1, 0 },
        { nameof(ChannelOptions.WaitForRoom), TimeSpan.Zero, TimeSpan.FromSeconds(-1) },
        { nameof(ChannelOptions.WaitForRoom), TimeSpan.FromHours(1), TimeSpan.FromHours(1.1) },
        { nameof(ChannelOptions.MaxMessageBytes), 1, 0 },
        { nameof(ChannelOptions.Concurrency), 1, 0 },
        { nameof(ChannelOptions.Concurrency), 100_000, 100_001 },
        { nameof(ChannelOptions.Timeout), TimeSpan.FromMilliseconds(1), TimeSpan.Zero },
        { nameof(ChannelOptions.Timeout), TimeSpan.FromDays(49), TimeSpan.FromDays(50) }, // longer than timers take
        { nameof(ChannelOptions.Timeout), null, TimeSpan.FromSeconds(-1) },
        { nameof(ChannelOptions.Retry), new RetryPolicy(), null },
        { nameof(ChannelOptions.JobRetention), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(0.9) },
        { nameof(ChannelOptions.JobRetention), TimeSpan.FromDays(365), TimeSpan.FromDays(366) },
    };

    public static TheoryData<string, object?, object?> OfRetries => new()
    {
        { nameof(RetryPolicy.MaxAttempts), 1, 0 },
        { nameof(RetryPolicy.MaxAttempts), 65_535, 65_536 }, // as many as a message counts
        { nameof(RetryPolicy.BaseDelay), TimeSpan.Zero, TimeSpan.FromSeconds(-1) },
        { nameof(RetryPolicy.BaseDelay), TimeSpan.FromDays(1), TimeSpan.FromDays(1.1) },
        { nameof(RetryPolicy.MaxDelay), TimeSpan.Zero, TimeSpan.FromSeconds(-1) },
        { nameof(RetryPolicy.MaxDelay), TimeSpan.FromDays(30), TimeSpan.FromDays(31) },
    };

    public static TheoryData<string, object?, object?> OfWorkers => new()
    {
        { nameof(WorkerOptions.Threads), null, 0 },
        { nameof(WorkerOptions.Threads), 1_000_000, 1_000_001 },
        { nameof(WorkerOptions.ShutdownGrace), TimeSpan.Zero, TimeSpan.FromSeconds(-1) },
        { nameof(WorkerOptions.ShutdownGrace), TimeSpan.FromDays(1), TimeSpan.FromDays(1.1) },
        { nameof(WorkerOptions.LeaseDuration), TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(0.499) },
        { nameof(WorkerOptions.LeaseDuration), TimeSpan.FromHours(1), TimeSpan.FromHours(1.1) },
        { nameof(WorkerOptions.CrashLimit), 1, 0 },
        { nameof(WorkerOptions.CrashLimit), 1000, 1001 },
    };

    [Theory]
    [MemberData(nameof(OfChannels), DisableDiscoveryEnumeration = true)]
    public void A_channel_has_no_option_beyond_its_range(string option, object? allowed, object? refused) => AssertRange(option, allowed, refused, Channel);

    [Theory]
    [MemberData(nameof(OfRetries), DisableDiscoveryEnumeration = true)]
    public void A_channels_retries_have_no_option_beyond_its_range(string option, object? allowed, object? refused) => AssertRange(option, allowed, refused, value => Channel(option, value, ofRetry: true));

    [Theory]
    [MemberData(nameof(OfWorkers), DisableDiscoveryEnumeration = true)]
    public void A_worker_has_no_option_beyond_its_range(string option, object? allowed, object? refused) => AssertRange(option, allowed, refused, value =>
    {
        var options = new WorkerOptions();
        Set(options, option, value);
        Validator.ValidateObject(options, new ValidationContext(options), validateAllProperties: true); // as the start does
    });

    private static void AssertRange(string option, object? allowed, object? refused, Action<string, object?> use) => AssertRange(option, allowed, refused, value => use(option, value));

    private static void AssertRange(string option, object? allowed, object? refused, Action<object?> use)
    {
        use(allowed);

        var refusal = Assert.Throws<ValidationException>(() => use(refused));

        Assert.Contains(option, refusal.Message, StringComparison.Ordinal);
    }

    private static void Channel(string option, object? value) => Channel(option, value, ofRetry: false);

    private static void Channel(string option, object? value, bool ofRetry) => new ChannelRegistry().Declare("payments", options => Set(ofRetry ? options.Retry : options, option, value));

    private static void Set(object options, string option, object? value) => options.GetType().GetProperty(option)!.SetValue(options, value);
}
