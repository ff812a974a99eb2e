using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Runnel.Layers;

/// <summary>Finds who makes the layers of a scheme: the assembly that says so with a <see cref="LayerSchemeAttribute"/>.</summary>
internal static class LayerSchemes
{
    private static readonly string ThisAssembly = typeof(LayerSchemes).Assembly.GetName().Name!;

    /// <summary>The class that makes the layers of a scheme; <see langword="null"/> when no assembly of the application says that it does.</summary>
    public static Type? FactoryOf(string scheme) =>
        AppDomain.CurrentDomain.GetAssemblies().Select(assembly => FactoryIn(assembly, scheme)).FirstOrDefault(factory => factory is not null)
        ?? (FindIn(ApplicationFiles(), scheme) is { } unused ? FactoryIn(Assembly.Load(unused), scheme) : null);

    /// <summary>Looks for the assembly among files, without loading any: the runtime loads a package only when code of it runs.</summary>
    internal static AssemblyName? FindIn(IEnumerable<string> files, string scheme) => files.Where(File.Exists).Select(file => Read(file, scheme)).FirstOrDefault(name => name is not null);

    /// <summary>The files of the application's assemblies. A program that is one file has none: there, code names its layers (<see cref="LayerOptions.Factories"/>).</summary>
    internal static IEnumerable<string> ApplicationFiles()
    {
        var shared = SharedFolder(typeof(object).Assembly.Location, AppContext.BaseDirectory);
        return (AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") as string ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Where(file => shared is null || !file.StartsWith(shared, StringComparison.Ordinal));
    }

    /// <summary>The folder of the runtime that applications share, such as <c>/usr/share/dotnet/shared/</c>; <see langword="null"/> when the application brings its own.</summary>
    /// <param name="coreLibrary">The path of the runtime's core library, which a shared runtime keeps at <c>shared/NAME/VERSION</c>.</param>
    /// <param name="application">The application's folder.</param>
    internal static string? SharedFolder(string coreLibrary, string application)
    {
        if (Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(coreLibrary))) is not { Length: > 0 } folder)
            return null;
        var shared = Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar;
        return application.StartsWith(shared, StringComparison.Ordinal) ? null : shared;
    }

    private static Type? FactoryIn(Assembly assembly, string scheme) =>
        assembly.GetCustomAttributes<LayerSchemeAttribute>().FirstOrDefault(layer => layer.Scheme.Equals(scheme, StringComparison.OrdinalIgnoreCase))?.Factory;

    private static AssemblyName? Read(string path, string scheme)
    {
        using var file = new PEReader(File.OpenRead(path));
        if (!file.HasMetadata)
            return null;
        var metadata = file.GetMetadataReader();
        var usesLayers = metadata.AssemblyReferences.Any(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name) == ThisAssembly);
        if (!usesLayers || !metadata.IsAssembly)
            return null;
        var assembly = metadata.GetAssemblyDefinition();
        return assembly.GetCustomAttributes().Any(handle => SchemeOf(metadata, metadata.GetCustomAttribute(handle)).Equals(scheme, StringComparison.OrdinalIgnoreCase))
            ? assembly.GetAssemblyName()
            : null;
    }

    private static string SchemeOf(MetadataReader metadata, CustomAttribute attribute)
    {
        if (attribute.Constructor.Kind != HandleKind.MemberReference
            || metadata.GetMemberReference((MemberReferenceHandle)attribute.Constructor).Parent is not { Kind: HandleKind.TypeReference } parent
            || metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)parent).Name) != nameof(LayerSchemeAttribute))
        {
            return "";
        }
        var value = metadata.GetBlobReader(attribute.Value);
        value.ReadUInt16(); // how each begins
        return value.ReadSerializedString() ?? "";
    }
}
