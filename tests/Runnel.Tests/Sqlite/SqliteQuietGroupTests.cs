using Runnel.Layers;
using Runnel.Sqlite;
using Runnel.Tests.Recovery;

namespace Runnel.Tests.Sqlite;

public sealed class SqliteQuietGroupTests : QuietGroupSpecification, IAsyncDisposable
{
    private readonly SqliteFile _file;

    public SqliteQuietGroupTests() => _file = new(Clock);

    protected override IBackplane Open() => new SqliteBackplane(_file.Open());

    public ValueTask DisposeAsync() => _file.DisposeAsync();
}
