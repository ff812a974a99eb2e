using System.Text;
using Runnel.Layers;
using Runnel.Specification;

namespace Runnel.Tests.Sqlite;

/// <summary>Tests on a file of their own, by a clock that stands still until they move it.</summary>
public abstract class SqliteFileTests : IAsyncDisposable
{
    private protected static readonly ChannelName Channel = "payments";
    private protected static readonly Topic Articles = Topic.OfGroup("articles");

    private protected SqliteFileTests() => QueueFile = new SqliteFile(Clock.TimeProvider);

    private protected ManualClock Clock { get; } = new();

    private protected SqliteFile QueueFile { get; }

    public async ValueTask DisposeAsync()
    {
        await QueueFile.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected Envelope Of(string text, string? key = null) =>
        new(new Message("pay", Encoding.UTF8.GetBytes(text))) { Id = MessageId.New(Clock.TimeProvider), Key = key, SentAt = Clock.Now };

    private protected static string Text(ReceivedMessage message) => Encoding.UTF8.GetString(message.Envelope.Message.Body.Span);
}
