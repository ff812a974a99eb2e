using Runnel.Layers;
using Runnel.Specification;
using Runnel.Sqlite;
using Runnel.Sqlite.Tables;
using Xunit;

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

    protected override Task WhileDeafAsync(IBackplane process, Func<Task> act) => WhileBusyAsync(process, async () =>
    {
        await act();
        await _clock.AdvanceAsync(PublicationTable.Transit * 2);
        await Wait.Until(() => _file.Count($"publication WHERE until <= {_clock.Now.UtcTicks}") == 0, "what is not kept is gone");
    });

    [Fact]
    public async Task A_process_that_was_busy_brings_no_kept_message_before_the_plain_one_that_was_sent_first()
    {
        var articles = Topic.OfGroup("articles");
        var (one, two) = (await OpenAsync(), await OpenAsync());
        await using var listener = await TopicListener.OnAsync(two, articles);

        await WhileBusyAsync(two, async () =>
        {
            await _clock.AdvanceAsync(PublicationTable.Transit * 2); // so that it reads the history
            await one.PublishAsync(articles, "plain"u8.ToArray(), retention: null);
            await one.PublishAsync(articles, "kept"u8.ToArray(), new Retention(10, TimeSpan.FromMinutes(10)));
        });

        Assert.Equal(["plain", "kept"], [await listener.NextAsync(), await listener.NextAsync()]);
    }

    private static async Task WhileBusyAsync(IBackplane process, Func<Task> act)
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
