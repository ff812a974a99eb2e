using System.Data;
using System.Data.Common;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Runnel.EntityFrameworkCore;
using Runnel.Layers;
using Runnel.Tests.Recording;
using Xunit;

namespace Runnel.Tests.DataBinding;

/// <summary>What a transaction holds until it commits, whatever becomes of its savepoints.</summary>
public sealed class PendingChangesTests : IDisposable
{
    private const string Model = "pending";

    private readonly RecordedLog _log = new();
    private readonly ServiceProvider _services;
    private readonly ChangePublisher _publisher;
    private readonly Transaction _transaction = new();

    public PendingChangesTests()
    {
        _services = new ServiceCollection().AddLogging(logging => logging.AddProvider(_log)).BuildServiceProvider();
        var lost = new LostChanges(_services, TimeProvider.System, _services.GetRequiredService<ILogger<LostChanges>>());
        _publisher = new ChangePublisher(_services, lost, Options.Create(new DataBindingOptions()), _services.GetRequiredService<ILogger<ChangePublisher>>());
    }

    [Fact]
    public void A_transaction_object_that_is_used_again_begins_without_what_was_there()
    {
        PendingChanges.Of(_transaction).Add([Change(1)]);

        PendingChanges.Begin(_transaction, Guid.NewGuid());

        Assert.Empty(Taken());
    }

    [Fact]
    public void A_rollback_to_one_of_several_savepoints_without_a_name_keeps_what_is_certain_and_tells_what_is_not()
    {
        var pending = PendingChanges.Of(_transaction);
        pending.Add([Change(1)]);
        pending.Mark(null);
        pending.Add([Change(2)]);
        pending.Mark(null);
        pending.Add([Change(3)]);

        pending.RollBackTo(null);

        Assert.Equal([1], Taken());
        var told = Assert.Single(_log.Of(5003));
        Assert.StartsWith($"The update of {Model} 2 was saved but not sent to group 'books': ", told.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_savepoint_that_is_released_takes_those_within_it_along()
    {
        var pending = PendingChanges.Of(_transaction);
        pending.Mark("same");
        pending.Add([Change(1)]);
        pending.Mark("outer");
        pending.Add([Change(2)]);
        pending.Mark("same");
        pending.Add([Change(3)]);

        pending.Release("outer");
        pending.RollBackTo("same");

        Assert.Empty(Taken());
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public void A_transaction_of_two_contexts_is_over_when_the_second_of_them_leaves_it()
    {
        var (first, second) = (Guid.NewGuid(), Guid.NewGuid());
        using var failed = new CountedMeasurements(RunnelTelemetry.BindingFailed, Model);
        var pending = PendingChanges.Of(_transaction);
        pending.Join(first);
        pending.Join(second);
        pending.Add([Change(1)]);

        PendingChanges.Leave(_transaction, first);
        Assert.Empty(_log.Lines);
        PendingChanges.Leave(_transaction, second);

        Assert.Single(_log.Of(5003));
        Assert.Equal(1, failed.Total);
        Assert.Empty(Taken());
    }

    public void Dispose()
    {
        _services.Dispose();
        _log.Dispose();
        _transaction.Dispose();
    }

    private IEnumerable<int> Taken() => PendingChanges.Take(_transaction).Select(static outgoing => outgoing.Change.PrimaryKey.GetInt32());

    private OutgoingChange Change(int key) =>
        new(_publisher, "books", new BoundChange(BoundChange.Update, Model, JsonSerializer.SerializeToElement(key), JsonSerializer.SerializeToElement(new { })));

    private sealed class Transaction : DbTransaction
    {
        public override IsolationLevel IsolationLevel => IsolationLevel.Unspecified;

        protected override DbConnection? DbConnection => null;

        public override void Commit()
        {
        }

        public override void Rollback()
        {
        }
    }
}
