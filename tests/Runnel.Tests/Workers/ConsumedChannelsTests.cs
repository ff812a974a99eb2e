using Microsoft.Extensions.Logging;
using Runnel.InMemory;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Runnel.Workers;
using Runnel.Workers.Channels;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>Who sends to a channel that nobody consumes is told so.</summary>
public sealed class ConsumedChannelsTests : IDisposable
{
    private const int NobodyConsumes = 3015, NotKnown = 3016;

    private readonly ManualTimeProvider _clock = new();
    private readonly RecordedLog _log = new();
    private readonly LoggerFactory _loggers;
    private readonly WatchedStates _states;
    private readonly ConsumedChannels _channels;

    public ConsumedChannelsTests()
    {
        _states = new WatchedStates(new HistoryStateStore(new InMemoryBackplane(_clock), _clock));
        _loggers = new LoggerFactory([_log]);
        _channels = new ConsumedChannels(new ChannelRegistry(), _states, new Logger<ConsumedChannels>(_loggers));
    }

    [Fact]
    public void What_could_not_be_looked_up_is_looked_up_after_the_next_message()
    {
        _states.OnGet = static _ => new BackplaneUnavailableException("away");
        _channels.AfterSend("payments");
        Assert.Single(_log.Of(NotKnown));

        _states.OnGet = static _ => null;
        _channels.AfterSend("payments");
        _channels.AfterSend("payments");

        Assert.Single(_log.Of(NobodyConsumes));
    }

    [Theory]
    [InlineData(8)]
    [InlineData(99)]
    public async Task A_channel_that_somebody_consumes_is_found_however_long_its_name(int length)
    {
        var channel = new string('c', length);
        await _channels.RememberAsync([channel], CancellationToken.None);

        _channels.AfterSend(channel);

        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task A_channel_that_had_a_worker_within_a_year_is_consumed_and_after_that_it_is_not()
    {
        await _channels.RememberAsync(["payments", "mail"], CancellationToken.None);

        _clock.Advance(TimeSpan.FromDays(364));
        _channels.AfterSend("payments");
        Assert.Empty(_log.Lines);
        _clock.Advance(TimeSpan.FromDays(2));
        _channels.AfterSend("mail");

        Assert.Single(_log.Of(NobodyConsumes));
    }

    [Fact]
    public void A_channel_that_the_application_consumes_itself_is_not_looked_up()
    {
        var registry = new ChannelRegistry();
        registry.Add("payments", MessageHandler.Of("payments", (Pay _) => { }), configure: null);
        var channels = new ConsumedChannels(registry, _states, new Logger<ConsumedChannels>(_loggers));

        channels.AfterSend("payments"); // its worker may be switched off here

        Assert.Empty(_log.Lines);
    }

    [Fact]
    public void Only_so_many_names_are_looked_up_since_they_may_come_from_users()
    {
        for (var number = 0; number <= 10_000; number++)
            _channels.AfterSend($"c{number}");

        Assert.Equal(10_000, _log.Of(NobodyConsumes).Count());
    }

    public void Dispose()
    {
        _loggers.Dispose();
        _log.Dispose();
    }
}
