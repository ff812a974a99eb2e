using System.Collections.Concurrent;
using System.Text.Json;
using Runnel.Layers;

namespace Runnel.Tests.DataBinding;

/// <summary>Groups without connections: keeps what was sent, in order; can be told to fail.</summary>
internal sealed class RecordingGroups : IGroups
{
    private readonly ConcurrentQueue<(string Group, JsonElement Message)> _sent = [];

    /// <summary>Fails the sends that it says so of.</summary>
    public Func<JsonElement, bool> Fails { get; set; } = _ => false;

    /// <summary>When the layer answers what it was sent.</summary>
    public Task Answer { get; set; } = Task.CompletedTask;

    /// <summary>What was sent, as <c>group action model pk data</c>, one line each.</summary>
    public string[] Lines => [.. _sent.Select(sent => string.Join(' ',
        sent.Group,
        sent.Message.GetProperty("action"),
        sent.Message.GetProperty("model"),
        sent.Message.GetProperty("pk").GetRawText(),
        sent.Message.GetProperty("data").GetRawText()))];

    /// <summary>Whether nothing can be sent.</summary>
    public bool IsAway { get; set; }

    /// <summary>Why members can never be told that messages are missing.</summary>
    public Exception? NoGaps { get; set; }

    /// <summary>The only group whose members cannot be told that messages are missing, because the layer is away for it.</summary>
    public string? OutOfReach { get; set; }

    /// <summary>What telling members waits for.</summary>
    public Task Telling { get; set; } = Task.CompletedTask;

    /// <summary>How often members were to be told.</summary>
    public int GapsAsked { get; private set; }

    /// <summary>How often members could not be told, because nothing can be sent.</summary>
    public int GapsRefused { get; private set; }

    /// <summary>The groups whose members were told that messages are missing.</summary>
    public ConcurrentQueue<string> Gaps { get; } = [];

    public JsonElement[] Messages => [.. _sent.Select(sent => sent.Message)];

    /// <summary>What was sent since the last look.</summary>
    public string[] TakeLines()
    {
        var lines = Lines;
        _sent.Clear();
        return lines;
    }

    public ValueTask SendJsonAsync<T>(GroupName group, T value, CancellationToken cancellationToken = default)
    {
        var message = JsonSerializer.SerializeToElement(value, JsonSerializerOptions.Web);
        if (IsAway)
            throw new BackplaneUnavailableException("The layer is away.");
        if (Fails(message))
            throw new IOException("The layer fails.");
        _sent.Enqueue((group.Value, message));
        return new(Answer);
    }

    public async ValueTask SendGapAsync(GroupName group, CancellationToken cancellationToken = default)
    {
        GapsAsked++;
        await Telling.WaitAsync(cancellationToken);
        if (IsAway || group.Value == OutOfReach)
        {
            GapsRefused++;
            throw new BackplaneUnavailableException("The layer is away.");
        }
        if (NoGaps is not null)
            throw NoGaps;
        Gaps.Enqueue(group.Value);
    }

    public ValueTask AddAsync(GroupName group, ChannelName channel, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask RemoveAsync(GroupName group, ChannelName channel, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask SendAsync(GroupName group, string text, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask SendAsync(GroupName group, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask SendEventAsync<T>(GroupName group, string type, T body, CancellationToken cancellationToken = default) => throw new NotSupportedException();
}
