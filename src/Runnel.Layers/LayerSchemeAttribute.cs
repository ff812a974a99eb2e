namespace Runnel.Layers;

/// <summary>Says that this assembly makes the layers of a scheme. A layer's package has one for each of its schemes.</summary>
/// <example><code>[assembly: LayerScheme("redis", typeof(RedisLayerFactory))]</code></example>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
public sealed class LayerSchemeAttribute(string scheme, Type factory) : Attribute
{
    /// <summary>The part of an address before the colon, in lower case.</summary>
    public string Scheme { get; } = scheme;

    /// <summary>A class that implements <see cref="ILayerFactory"/> and has a constructor without parameters.</summary>
    public Type Factory { get; } = factory;
}
