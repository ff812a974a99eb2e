using System.Diagnostics.CodeAnalysis;
using Runnel.Layers.Messages;

namespace Runnel.Layers;

/// <summary>The address of one receiver: a named work queue (<c>thumbnails</c>) or one connection of one node (<c>node.5f1c!9a</c>).</summary>
/// <remarks>
/// 1 to 99 ASCII characters of <c>a–z A–Z 0–9 - _ .</c>, and at most one <c>!</c> that is not the first character; what follows the
/// <c>!</c> may be empty (Channels' rule, without its accidents: no other alphabets, no trailing newline). Converts from <see cref="string"/>
/// and is checked there, so that a value that exists is a valid one.
/// </remarks>
public readonly record struct ChannelName
{
    /// <summary>The most characters a name may have.</summary>
    public const int MaxLength = 99;

    private readonly string? _value;

    /// <summary>Checks the name.</summary>
    /// <exception cref="ArgumentException">The name breaks the rule; the message states it.</exception>
    public ChannelName(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!IsValid(value))
            throw new ArgumentException(NameGrammar.Explain("channel", value, "and at most one '!' after the first character"), nameof(value));
        _value = value;
    }

    private ChannelName(string value, bool isValid) => _value = isValid ? value : null;

    /// <summary>The name.</summary>
    /// <exception cref="InvalidOperationException">This is <c>default(ChannelName)</c>, which names nothing.</exception>
    public string Value => _value ?? throw new InvalidOperationException("This channel name was never set; make it from a string.");

    /// <summary>Whether the channel belongs to one process: its name has a <c>!</c>.</summary>
    public bool IsProcessSpecific => Value.Contains('!', StringComparison.Ordinal);

    /// <summary>The part that a layer queues under: up to and including the <c>!</c>, or the whole name when there is none.</summary>
    /// <remarks>All channels of one process share it, and with it one capacity.</remarks>
    public ChannelName QueueName => Value.IndexOf('!', StringComparison.Ordinal) is var at && at >= 0 && at < Value.Length - 1
        ? new ChannelName(Value[..(at + 1)])
        : this;

    /// <summary>Whether the text is a channel name.</summary>
    public static bool IsValid([NotNullWhen(true)] string? value)
    {
        if (value is null || value.Length is 0 or > MaxLength)
            return false;
        var at = value.IndexOf('!', StringComparison.Ordinal);
        return at < 0
            ? NameGrammar.IsPlain(value)
            : at > 0 && NameGrammar.IsPlain(value.AsSpan(0, at)) && (at == value.Length - 1 || NameGrammar.IsPlain(value.AsSpan(at + 1)));
    }

    internal static bool TryCreate(string value, out ChannelName name)
    {
        name = new ChannelName(value, IsValid(value));
        return name._value is not null;
    }

    /// <summary>Checks the name.</summary>
    /// <exception cref="ArgumentException">The name breaks the rule; the message states it.</exception>
    public static implicit operator ChannelName(string value) => new(value);

    /// <summary>Checks the name: the method beside the conversion.</summary>
    /// <exception cref="ArgumentException">The name breaks the rule; the message states it.</exception>
    public static ChannelName FromString(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => _value ?? "";
}
