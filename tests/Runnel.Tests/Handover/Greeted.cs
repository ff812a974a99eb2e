using System.Text.Json;

namespace Runnel.Tests.Handover;

/// <summary>What a client of <c>runnel.v1</c> says first, and what it has got.</summary>
internal static class Greeted
{
    public static ClientHello Hello((string Position, string Seal)? shown = null)
    {
        var positions = shown is { } one ? new[] { new { position = one.Position, seal = one.Seal } } : [];
        var said = JsonSerializer.SerializeToUtf8Bytes(new { hello = new { version = 1, client = "1f6b0c9e", positions } });
        return ClientHello.TryRead(said, out var hello) ? hello : throw new InvalidOperationException("This is no hello.");
    }

    /// <summary>What the client would show: its last position, and the seal that it got at joining.</summary>
    public static (string Position, string Seal) Shown(IEnumerable<string> texts)
    {
        var messages = texts.Where(static text => text[0] == '{').Select(static text => JsonElement.Parse(text)).ToList();
        var joined = messages.Last(static message => message.TryGetProperty("joined", out _)).GetProperty("joined")[0];
        var position = messages.Where(static message => message.TryGetProperty("position", out _)).Select(static message => message.GetProperty("position").GetString()!).Last();
        return (position, joined.GetProperty("seal").GetString()!);
    }
}
