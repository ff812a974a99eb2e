using Runnel.Layers;
using Runnel.Sqlite;
using Runnel.Tests.Recovery;

namespace Runnel.Tests.Sqlite;

public sealed class SqliteRecoveryTests : RecoverySpecification
{
    private readonly SqliteFile _file = new(TimeProvider.System);

    protected override IBackplane Open() => new SqliteBackplane(_file.Open());

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _file.DisposeAsync();
    }
}
