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

    private readonly RecordedLog _log = new();
    private readonly LoggerFactory _loggers;
    private readonly WatchedStates _states;
    private readonly ConsumedChannels _channels;

    public ConsumedChannelsTests()
    {
        var clock = new ManualTimeProvider();
        _states = new WatchedStates(new HistoryStateStore(new InMemoryBackplane(clock), clock));
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
