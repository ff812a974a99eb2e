using Runnel.Specification;
using Runnel.Tests.Sqlite;
using Xunit;

namespace Runnel.Tests.Nodes;

public sealed class SqliteNodeProcessTests : NodeProcessSpecification
{
    private readonly SqliteFile _file = new(TimeProvider.System);

    protected override string Address => $"sqlite:{_file.Path}";

    [Fact]
    public async Task Nodes_that_have_nothing_to_do_write_nothing()
    {
        var (first, second) = (await StartAsync(), await StartAsync());
        await Wait.Until(() => first.All.Count == 2 && second.All.Count == 2, "they know each other");
        var looks = _file.Open();
        using var written = _file.CountTransactions();

        await Wait.Until(NobodyWritesAsync, "nobody writes for longer than a lease");

        async Task<bool> NobodyWritesAsync()
        {
            var (counted, rounds) = (written.Count, looks.Writer.Rounds);
            await Wait.Until(() => looks.Writer.Rounds > rounds + 60, "a second has passed"); // a round takes 20 ms
            return written.Count == counted;
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _file.DisposeAsync();
    }
}
