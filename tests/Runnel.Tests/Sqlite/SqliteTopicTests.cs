using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Sqlite.Tables;

namespace Runnel.Tests.Sqlite;

/// <summary>A process is deaf whose subscribers are busy: it reads no more from the file, and hears what is still there when it goes on.</summary>
public sealed class SqliteTopicTests : TopicSpecification
{
    private static readonly Topic Plug = Topic.OfGroup("plug");

    private readonly ManualClock _clock = new();
    private readonly SqliteFile _file;

    public SqliteTopicTests() => _file = new SqliteFile(_clock.TimeProvider);

    protected override SpecificationClock Clock => _clock;

    protected override ValueTask<IBackplane> OpenAsync() => new(new SqliteBackplane(_file.Open(options => options.DeliveryBuffer = 1)));

    protected override async Task WhileDeafAsync(IBackplane process, Func<Task> act)
    {
        using var goOn = new ManualResetEventSlim();
        var isBusy = new TaskCompletionSource();
        await using (await process.SubscribeAsync(Plug, _ =>
        {
            isBusy.TrySetResult();
            goOn.Wait();
        }))
        {
            await process.PublishAsync(Plug, default, retention: null);
            await Wait.For(isBusy.Task, "the process to be busy");
            await act();
            await _clock.AdvanceAsync(PublicationTable.Transit * 2);
            await Wait.Until(() => _file.Count($"publication WHERE until <= {_clock.Now.UtcTicks}") == 0, "what is not kept is gone");
            goOn.Set();
            await Wait.Until(() => ((SqliteBackplane)process).State == BackplaneState.Connected, "the process goes on");
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _file.DisposeAsync();
    }
}
