using System.Buffers;
using System.Text.Json;

namespace Runnel.Workers.Channels;

/// <summary>Writes the bodies of one call's messages, as JSON, into memory of the pool: a body is garbage as soon as the layer has its copy.</summary>
/// <remarks>Disposing gives the memory back: not before the layer has taken the messages (<see cref="Layers.IWorkQueue.EnqueueAsync"/> says when that is).</remarks>
internal sealed class BodyWriter : IBufferWriter<byte>, IDisposable
{
    private const int Page = 16 * 1024;

    [ThreadStatic]
    private static BodyWriter? _spare;

    private readonly JsonSerializerOptions _options;
    private readonly Utf8JsonWriter _json;
    private readonly List<byte[]> _full = [];
    private byte[] _page = [];
    private int _begin;
    private int _end;

    private BodyWriter(JsonSerializerOptions options)
    {
        _options = options;
        _json = new Utf8JsonWriter(this, new JsonWriterOptions
        {
            Encoder = options.Encoder,
            Indented = options.WriteIndented,
            IndentCharacter = options.IndentCharacter,
            IndentSize = options.IndentSize,
            NewLine = options.NewLine,
            MaxDepth = options.MaxDepth,
            SkipValidation = true, // as the serializer does, which knows what it writes
        });
    }

    /// <summary>A writer of this thread's, or a new one.</summary>
    public static BodyWriter Rent(JsonSerializerOptions options)
    {
        var spare = _spare;
        _spare = null;
        return spare is not null && spare._options == options ? spare : new BodyWriter(options);
    }

    /// <summary>Writes one body. What it answers is good until the writer is disposed.</summary>
    public ReadOnlyMemory<byte> Write(object message, Type type)
    {
        _begin = _end;
        _json.Reset();
        JsonSerializer.Serialize(_json, message, type, _options);
        _json.Flush();
        return _page.AsMemory(_begin.._end);
    }

    public void Advance(int count) => _end += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_page.Length - _end < Math.Max(sizeHint, 1))
            TurnPage(sizeHint);
        return _page.AsMemory(_end);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Dispose()
    {
        foreach (var page in _full)
            ArrayPool<byte>.Shared.Return(page);
        _full.Clear();
        if (_page.Length > 0)
            ArrayPool<byte>.Shared.Return(_page);
        _page = [];
        _begin = _end = 0;
        _spare = this;
    }

    // A body is in one piece: what there is of it moves to the new page.
    private void TurnPage(int sizeHint)
    {
        var begun = _page.AsSpan(_begin.._end);
        var next = ArrayPool<byte>.Shared.Rent(Math.Max(Page, (begun.Length * 2) + sizeHint));
        begun.CopyTo(next);
        if (_page.Length > 0)
            _full.Add(_page);
        (_page, _begin, _end) = (next, 0, begun.Length);
    }
}
