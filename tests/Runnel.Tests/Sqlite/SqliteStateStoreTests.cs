using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;

namespace Runnel.Tests.Sqlite;

public sealed class SqliteStateStoreTests : StateStoreSpecification
{
    private readonly ManualClock _clock = new();
    private readonly SqliteFile _file;

    public SqliteStateStoreTests() => _file = new SqliteFile(_clock.TimeProvider);

    protected override SpecificationClock Clock => _clock;

    protected override IStateStore Open() => new HistoryStateStore(new SqliteBackplane(_file.Open()), _clock.TimeProvider);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _file.DisposeAsync();
    }
}
