using Runnel.Tests.Sqlite;

namespace Runnel.Tests.Cli;

public sealed class SqliteQueueCommandTests : QueueCommandSpecification
{
    private readonly SqliteFile _file = new(TimeProvider.System);

    protected override string Address => $"sqlite:{_file.Path}";

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _file.DisposeAsync();
    }
}
