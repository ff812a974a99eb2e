namespace Runnel;

/// <summary>Marks a consumer's method as the handler of a group event.</summary>
/// <remarks>
/// The method is public and returns <see cref="Task"/> or <see cref="ValueTask"/>. It takes the event's body, as any type that can be read from JSON or as the
/// <see cref="Layers.Message"/> itself, and perhaps a <see cref="CancellationToken"/>. A connection handles one event at a time.
/// </remarks>
/// <param name="type">The event's type: the string that it is sent with.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class HandlesAttribute(string type) : Attribute
{
    /// <summary>The event's type.</summary>
    public string Type { get; } = type;
}
