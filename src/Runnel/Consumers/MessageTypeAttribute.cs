using System.Collections.Concurrent;
using System.Reflection;

namespace Runnel;

/// <summary>Names a type of message: the stable string it is sent with, so that classes can be renamed and moved while messages wait.</summary>
/// <param name="name">The name, such as <c>pay</c>.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct, Inherited = false)]
public sealed class MessageTypeAttribute(string name) : Attribute
{
    private static readonly ConcurrentDictionary<Type, string?> Known = new();

    /// <summary>The name.</summary>
    public string Name { get; } = name;

    /// <summary>The name that a type was given; <see langword="null"/> when it was given none.</summary>
    public static string? NameOf(Type type) => Known.GetOrAdd(type, static key => key.GetCustomAttribute<MessageTypeAttribute>()?.Name);
}
