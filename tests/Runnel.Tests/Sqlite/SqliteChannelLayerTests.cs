using Runnel.ChannelLayers;
using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;

namespace Runnel.Tests.Sqlite;

public sealed class SqliteChannelLayerTests : ChannelLayerSpecification
{
    private readonly ManualClock _clock = new();
    private readonly SqliteFile _file;
    private readonly SqliteWorkQueue _operator;

    public SqliteChannelLayerTests()
    {
        _file = new SqliteFile(_clock.TimeProvider);
        _operator = new SqliteWorkQueue(_file.Open());
    }

    protected override SpecificationClock Clock => _clock;

    protected override IWorkQueueOperator Operator => _operator;

    protected override ValueTask<IChannelLayer> CreateAsync(ChannelLayerOptions options)
    {
        var store = _file.Open();
        var queue = new SqliteWorkQueue(store);
        return new(new ChannelLayer(new SqliteBackplane(store), queue, queue, options, _clock.TimeProvider));
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _file.DisposeAsync();
    }
}
