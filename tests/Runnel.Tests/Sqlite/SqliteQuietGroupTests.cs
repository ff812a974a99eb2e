using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Tests.Recovery;

namespace Runnel.Tests.Sqlite;

public sealed class SqliteQuietGroupTests : QuietGroupSpecification, IAsyncDisposable
{
    private readonly SqliteFile _file;

    public SqliteQuietGroupTests() => _file = new(Clock);

    protected override IBackplane Open() => new SqliteBackplane(_file.Open());

    // A node ends its subscription some time after the last member has left, and does not wait for the file: until then it listens, and what somebody listens to is remembered.
    protected override async Task AdvanceAsync(TimeSpan by)
    {
        await base.AdvanceAsync(by);
        await Wait.Until(() => _file.Count("interest WHERE topic LIKE 'group:%'") == 0, "nobody listens to the group any more");
    }

    protected override Task AdvanceWithMembersAsync(TimeSpan by) => base.AdvanceAsync(by);

    public ValueTask DisposeAsync() => _file.DisposeAsync();
}
