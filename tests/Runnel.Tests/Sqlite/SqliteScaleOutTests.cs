using Runnel.Layers;
using Runnel.Sqlite;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.Sqlite;

[Collection(nameof(Metered))]
public sealed class SqliteScaleOutTests : ScaleOutSpecification
{
    private readonly SqliteFile _file = new(TimeProvider.System);

    protected override IBackplane Open() => new SqliteBackplane(_file.Open());

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _file.DisposeAsync();
    }
}
