using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;

namespace Runnel.Tests.Sqlite;

public sealed class SqliteBackplaneTests : BackplaneSpecification
{
    private readonly ManualClock _clock = new();
    private readonly SqliteFile _file;
    private readonly List<SqliteStore> _stores = [];

    public SqliteBackplaneTests() => _file = new SqliteFile(_clock.TimeProvider);

    protected override SpecificationClock Clock => _clock;

    protected override ValueTask<IBackplane> OpenAsync()
    {
        var store = _file.Open();
        _stores.Add(store);
        return new(new SqliteBackplane(store));
    }

    protected override ValueTask<int> CountKeptAsync() =>
        new((int)_file.Count("publication", "topic") + _stores.Sum(store => store.Writer.Deliveries.TopicCount));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _file.DisposeAsync();
    }
}
