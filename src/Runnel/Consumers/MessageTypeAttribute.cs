using System.Collections.Concurrent;
using System.Reflection;

namespace Runnel;

/// <summary>Names a type of message. Messages are sent with this name, so you can rename and move the class while messages wait.</summary>
/// <param name="name">The name, such as <c>pay</c>.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct, Inherited = false)]
public sealed class MessageTypeAttribute(string name) : Attribute
{
    private static readonly ConcurrentDictionary<Type, string?> Known = new();

    /// <summary>The name.</summary>
    public string Name { get; } = name;

    /// <summary>The name of a type of message; <see langword="null"/> if the type has no such attribute.</summary>
    public static string? NameOf(Type type) => Known.GetOrAdd(type, static key => key.GetCustomAttribute<MessageTypeAttribute>()?.Name);
}
