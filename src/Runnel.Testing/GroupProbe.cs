using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Layers;

namespace Runnel.Testing;

/// <summary>Sees what is sent to a group, without being a connection: for tests of code that sends.</summary>
/// <remarks>
/// <example>
/// <code>
/// await using var articles = await GroupProbe.JoinAsync(factory.Services, "articles");
/// await client.PostAsJsonAsync("/api/articles", article);
/// var created = await articles.ReceiveJsonAsync();
/// </code>
/// </example>
/// </remarks>
public sealed class GroupProbe : IAsyncDisposable
{
    private readonly Channel<Envelope> _received = System.Threading.Channels.Channel.CreateUnbounded<Envelope>();
    private readonly GroupName _group;
    private IAsyncDisposable? _subscription;

    private GroupProbe(GroupName group) => _group = group;

    /// <summary>How long to wait for a message.</summary>
    /// <value>5 seconds by default.</value>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How many messages have come and not been received.</summary>
    public int Count => _received.Reader.Count;

    /// <summary>Starts to look; sees every message sent after the call returned.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="group">The group.</param>
    public static async Task<GroupProbe> JoinAsync(IServiceProvider services, GroupName group)
    {
        var probe = new GroupProbe(group);
        probe._subscription = await services.GetRequiredService<IBackplane>().SubscribeAsync(
            Topic.OfGroup(group), message => probe.Take(EnvelopeFormat.Decode(message.Payload)));
        return probe;
    }

    // Runnel's own messages are none that a member would get.
    private void Take(Envelope envelope)
    {
        if (!envelope.Message.Type.StartsWith("runnel:", StringComparison.Ordinal))
            _received.Writer.TryWrite(envelope);
    }

    /// <summary>Waits for the next message of any type.</summary>
    /// <exception cref="TimeoutException">Nothing came in time.</exception>
    public async Task<Envelope> ReceiveAsync()
    {
        using var limit = new CancellationTokenSource(Timeout);
        try
        {
            return await _received.Reader.ReadAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"Waited {Timeout.TotalSeconds} s for a message to group '{_group}', in vain.");
        }
    }

    /// <summary>Waits for the next message and reads its body as text.</summary>
    /// <inheritdoc cref="ReceiveAsync"/>
    public async Task<string> ReceiveTextAsync() => Encoding.UTF8.GetString((await ReceiveAsync()).Message.Body.Span);

    /// <summary>Waits for the next message and reads its body as JSON.</summary>
    /// <inheritdoc cref="ReceiveAsync"/>
    public async Task<JsonElement> ReceiveJsonAsync() => JsonElement.Parse((await ReceiveAsync()).Message.Body.Span);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _subscription?.DisposeAsync() ?? ValueTask.CompletedTask;
}
