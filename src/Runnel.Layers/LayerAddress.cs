namespace Runnel.Layers;

/// <summary>Finds a layer by its address: <c>memory:</c>, <c>sqlite:path</c>, <c>redis://…</c>, <c>rediss://…</c>, <c>amqp://…</c>, <c>amqps://…</c>, <c>postgres://…</c>.</summary>
public static class LayerAddress
{
    private static readonly Dictionary<string, (string Package, string Factory)> Layers = new(StringComparer.OrdinalIgnoreCase)
    {
        ["memory"] = ("Runnel.InMemory", "InMemoryLayerFactory"),
        ["sqlite"] = ("Runnel.Sqlite", "SqliteLayerFactory"),
        ["redis"] = ("Runnel.Redis", "RedisLayerFactory"),
        ["rediss"] = ("Runnel.Redis", "RedisLayerFactory"),
        ["amqp"] = ("Runnel.RabbitMQ", "RabbitMQLayerFactory"),
        ["amqps"] = ("Runnel.RabbitMQ", "RabbitMQLayerFactory"),
        ["postgres"] = ("Runnel.Postgres", "PostgresLayerFactory"),
    };

    /// <summary>The part before the colon, in lower case.</summary>
    /// <exception cref="FormatException">The address names no layer that there is.</exception>
    public static string SchemeOf(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var colon = address.IndexOf(':', StringComparison.Ordinal);
        if (colon > 0 && Layers.ContainsKey(address[..colon]))
            return address[..colon].ToLowerInvariant();
        var known = string.Join(", ", Layers.Keys.Select(scheme => scheme + ":"));
        throw new FormatException($"'{(colon > 0 ? address[..colon] : address)}' names no layer: an address begins with one of {known}.");
    }

    /// <summary>Finds what makes the layer. Its package has to be referenced, no more.</summary>
    /// <exception cref="FormatException">The address names no layer that there is.</exception>
    /// <exception cref="InvalidOperationException">The layer's package is not referenced; the message names it.</exception>
    public static ILayerFactory FactoryOf(string address)
    {
        var scheme = SchemeOf(address);
        var (package, factory) = Layers[scheme];
        var type = Type.GetType($"{package}.{factory}, {package}", throwOnError: false)
            ?? throw new InvalidOperationException($"The layer '{scheme}:' is in the package {package}, which this application does not have: add it with 'dotnet add package {package}'.");
        return (ILayerFactory)Activator.CreateInstance(type)!;
    }
}
