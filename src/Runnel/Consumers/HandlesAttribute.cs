namespace Runnel;

/// <summary>Marks a consumer's method as the handler of a group event.</summary>
/// <remarks>
/// The method is public, takes the event's body (any type that JSON can be read as, or <see cref="Layers.Message"/> for the message itself) and
/// perhaps a <see cref="CancellationToken"/>, and returns <see cref="Task"/> or <see cref="ValueTask"/>. It runs in the connection's turn: never
/// beside another event of the same connection.
/// </remarks>
/// <param name="type">The event's type: the stable string it is sent with.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class HandlesAttribute(string type) : Attribute
{
    /// <summary>The event's type.</summary>
    public string Type { get; } = type;
}
