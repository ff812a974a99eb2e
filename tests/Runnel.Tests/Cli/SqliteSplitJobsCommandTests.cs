using Runnel.Tests.Sqlite;

namespace Runnel.Tests.Cli;

/// <summary>Work, states and the rest each in a file of its own.</summary>
public sealed class SqliteSplitJobsCommandTests : JobsCommandSpecification
{
    private readonly SqliteFile _file = new(TimeProvider.System);
    private readonly SqliteFile _work = new(TimeProvider.System);
    private readonly SqliteFile _states = new(TimeProvider.System);

    protected override string Address => $"sqlite:{_file.Path}";

    protected override string QueueAddress => $"sqlite:{_work.Path}";

    protected override string StateAddress => $"sqlite:{_states.Path}";

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _file.DisposeAsync();
        await _work.DisposeAsync();
        await _states.DisposeAsync();
    }
}
