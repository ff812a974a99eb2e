using System.Reflection;

namespace Runnel.Tests.House;

/// <summary>What a package may be made of.</summary>
/// <param name="Floor">Where it stands; it refers only to packages on floors below.</param>
/// <param name="Brings">The packages that come along with it. A layer brings its one driver, and nothing else.</param>
internal sealed record Package(int Floor, params string[] Brings)
{
    /// <summary>All packages there are, or will be. A new one gets its line here first.</summary>
    public static IReadOnlyDictionary<string, Package> All { get; } = new Dictionary<string, Package>
    {
        ["Runnel.Layers"] = new(0),
        ["Runnel.ChannelLayers"] = new(1),
        ["Runnel"] = new(1),
        ["Runnel.InMemory"] = new(1),
        ["Runnel.Sqlite"] = new(1, "Microsoft.Data.Sqlite.Core", "SQLitePCLRaw.bundle_e_sqlite3"),
        ["Runnel.Redis"] = new(1),
        ["Runnel.RabbitMQ"] = new(1, "RabbitMQ.Client"),
        ["Runnel.Postgres"] = new(1, "Npgsql"),
        ["Runnel.Workers"] = new(2),
        ["Runnel.AspNetCore"] = new(3, "System.CommandLine"),
        ["Runnel.EntityFrameworkCore"] = new(2, "Microsoft.EntityFrameworkCore", "Microsoft.EntityFrameworkCore.Relational"),
        ["Runnel.Testing"] = new(4, "Microsoft.AspNetCore.TestHost"),
        ["Runnel.Dashboard"] = new(4),
        ["Runnel.Cli"] = new(4, "System.CommandLine", "Spectre.Console"),
    };

    /// <summary>A package's assembly, as it was built.</summary>
    public static Assembly AssemblyOf(string package)
    {
        try
        {
            return Assembly.Load(package);
        }
        catch (FileNotFoundException)
        {
            throw new InvalidOperationException($"The tests do not see {package}: let tests/Runnel.Tests refer to src/{package}.");
        }
    }

    /// <summary>The types that were written in a package, not those that the compiler or a generator adds.</summary>
    public static IEnumerable<Type> TypesOf(string package) =>
        AssemblyOf(package).GetTypes().Where(type =>
            !type.Name.StartsWith('<')
            && !type.CustomAttributes.Any(attribute => attribute.AttributeType.Name is "CompilerGeneratedAttribute" or "EmbeddedAttribute" or "GeneratedCodeAttribute")
            && (type.DeclaringType is null || !type.DeclaringType.Name.StartsWith('<')));
}
