using System.Diagnostics.CodeAnalysis;
using Runnel.Layers.Messages;

namespace Runnel.Layers;

/// <summary>The name of a group: a set of connections and channels that a message reaches all at once.</summary>
/// <remarks>
/// 1 to 99 ASCII characters of <c>a–z A–Z 0–9 - _ .</c> (Channels' rule, without its accidents). Converts from <see cref="string"/> and is
/// checked there, so that a value that exists is a valid one.
/// </remarks>
public readonly record struct GroupName
{
    /// <summary>The most characters a name may have.</summary>
    public const int MaxLength = 99;

    private readonly string? _value;

    /// <summary>Checks the name.</summary>
    /// <exception cref="ArgumentException">The name breaks the rule; the message states it.</exception>
    public GroupName(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!IsValid(value))
            throw new ArgumentException(NameGrammar.Explain("group", value), nameof(value));
        _value = value;
    }

    /// <summary>The name.</summary>
    /// <exception cref="InvalidOperationException">This is <c>default(GroupName)</c>, which names nothing.</exception>
    public string Value => _value ?? throw new InvalidOperationException("This group name was never set; make it from a string.");

    /// <summary>Whether the text is a group name.</summary>
    public static bool IsValid([NotNullWhen(true)] string? value) =>
        value is { Length: > 0 and <= MaxLength } && NameGrammar.IsPlain(value);

    /// <summary>Checks the name.</summary>
    /// <exception cref="ArgumentException">The name breaks the rule; the message states it.</exception>
    public static implicit operator GroupName(string value) => new(value);

    /// <summary>Checks the name: the method beside the conversion.</summary>
    /// <exception cref="ArgumentException">The name breaks the rule; the message states it.</exception>
    public static GroupName FromString(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => _value ?? "";
}
