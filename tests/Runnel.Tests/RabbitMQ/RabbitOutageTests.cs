using Microsoft.Extensions.Logging;
using Runnel.RabbitMQ;
using Runnel.RabbitMQ.Connections;
using Runnel.Specification;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.RabbitMQ;

/// <summary>What an operator reads of a RabbitMQ that is away.</summary>
public sealed class RabbitOutageTests : IDisposable
{
    private const int Lost = 4200, StillAway = 4201, Back = 4202;

    private readonly ManualTimeProvider _time = new();
    private readonly RecordedLog _log = new();
    private readonly LoggerFactory _loggers;
    private readonly RabbitOutage _outage;
    private readonly object _one = new(), _two = new();

    public RabbitOutageTests()
    {
        _loggers = new LoggerFactory([_log]);
        _outage = new RabbitOutage("broker:5672", _time, _loggers.CreateLogger<RabbitMQBroker>());
    }

    public void Dispose() => _loggers.Dispose();

    [Fact]
    public void An_outage_of_several_connections_is_told_once_and_so_is_its_end_with_how_long_it_lasted()
    {
        _outage.Lost(_one, "Nobody listens.");
        _outage.Lost(_two, "Nobody listens.");
        _time.Advance(TimeSpan.FromSeconds(2.5));
        _outage.Over(_one);
        _time.Advance(TimeSpan.FromSeconds(0.5));
        _outage.Over(_two);
        _outage.Over(_two);

        Assert.Equal(["RabbitMQ at broker:5672 is away (Nobody listens); it is connected to anew until it is back."], Told(Lost));
        Assert.Empty(Told(StillAway));
        Assert.Equal(["RabbitMQ at broker:5672 is back; it was away for 3.0 s."], Told(Back));
    }

    [Fact]
    public void While_it_lasts_it_is_told_once_a_minute()
    {
        for (var second = 0; second < 150; second++)
        {
            _outage.Lost(_one, "Nobody listens.");
            _outage.Lost(_two, "Nobody listens.");
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Single(Told(Lost));
        Assert.Equal([60, 120], Told(StillAway).Select(text => int.Parse(text.Split("away for ")[1].Split('.')[0], null)));
    }

    private IEnumerable<string> Told(int id) => _log.Of(id).Select(entry => entry.Text);
}
