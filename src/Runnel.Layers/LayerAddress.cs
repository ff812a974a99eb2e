namespace Runnel.Layers;

/// <summary>Finds a layer by its address: <c>memory:</c>, <c>sqlite:path</c>, <c>redis://…</c>, <c>rediss://…</c>, <c>amqp://…</c>, <c>amqps://…</c>.</summary>
public static class LayerAddress
{
    // Only for the sentences about what is missing: a package says itself which layers it has.
    private static readonly Dictionary<string, string> Packages = new(StringComparer.OrdinalIgnoreCase)
    {
        ["memory"] = "Runnel.InMemory",
        ["sqlite"] = "Runnel.Sqlite",
        ["redis"] = "Runnel.Redis",
        ["rediss"] = "Runnel.Redis",
        ["amqp"] = "Runnel.RabbitMQ",
        ["amqps"] = "Runnel.RabbitMQ",
    };

    // No package is named for these: anybody could publish one of that name.
    private static readonly HashSet<string> Planned = new(StringComparer.OrdinalIgnoreCase) { "postgres", "postgresql" };

    private static string Known => string.Join(", ", Packages.Keys.Select(scheme => scheme + ":"));

    /// <summary>The part before the colon, in lower case. Whether there is a layer of that name is not looked at.</summary>
    /// <exception cref="FormatException">The address is empty or has no such part.</exception>
    public static string SchemeOf(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (string.IsNullOrWhiteSpace(address))
            throw new FormatException($"The layer's address is empty. An address begins with one of {Known}.");
        var colon = address.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 ? address[..colon].ToLowerInvariant() : throw Unknown(address);
    }

    /// <summary>Finds what makes the layer: the class that a <see cref="LayerSchemeAttribute"/> names. Its package has to be referenced, no more.</summary>
    /// <exception cref="FormatException">The address names no layer that there is.</exception>
    /// <exception cref="InvalidOperationException">The layer's package is not referenced; the message names it.</exception>
    public static ILayerFactory FactoryOf(string address)
    {
        var scheme = SchemeOf(address);
        if (LayerSchemes.FactoryOf(scheme) is { } factory)
            return (ILayerFactory)Activator.CreateInstance(factory)!;
        if (Packages.TryGetValue(scheme, out var package))
            throw new InvalidOperationException($"The layer '{scheme}:' is in the package {package}, which this application does not have: add it with 'dotnet add package {package}'.");
        throw Planned.Contains(scheme)
            ? new FormatException($"There is no layer '{scheme}:' yet, and no package that has it. An address begins with one of {Known}.")
            : Unknown(scheme);
    }

    private static FormatException Unknown(string text) => new($"'{text}' names no layer: an address begins with one of {Known}.");
}
