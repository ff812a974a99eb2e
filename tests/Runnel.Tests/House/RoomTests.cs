using Xunit;

namespace Runnel.Tests.House;

/// <summary>Rooms stand in a strict order: the compiled code of a room uses the rooms below it and never those above.</summary>
public sealed class RoomTests
{
    private const int MaxWeightyFiles = 25;
    private const int WeightyLines = 25;
    private const int MaxRing = 3; // a class and the two it works with

    public static TheoryData<string> Packages => [.. Repository.Packages];

    public static TheoryData<string> PackagesWithRooms => [.. Rooms.Of.Keys.Intersect(Repository.Packages)];

    [Theory]
    [MemberData(nameof(PackagesWithRooms))]
    public void A_room_uses_only_rooms_below_it(string package)
    {
        var up = Upward(UsesIn(package), RoomsOfTypesIn(package), Rooms.Of[package]);

        Findings.AssertNone(
            up.Select(reference => $"{reference.User} → {reference.Used}"),
            $"Rooms of {package} from the lowest up: {string.Join(", ", Rooms.Of[package])}. These references go up");
    }

    [Theory]
    [MemberData(nameof(PackagesWithRooms))]
    public void At_most_three_types_of_a_package_know_each_other_in_a_ring(string package)
    {
        var large = RingsOf(UsesIn(package)).Where(ring => ring.Count > MaxRing).Select(ring => string.Join(", ", ring.Order(StringComparer.Ordinal)));

        Findings.AssertNone(large, $"A class and the two it works with may know each other. In {package} more than {MaxRing} do");
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void A_folder_of_a_package_is_a_room_of_it(string package)
    {
        var folders = Repository.FilesBelow($"src/{package}", "*.cs").Select(file => FolderOf(package, file)).Distinct();

        Findings.AssertNone(folders.Except([.. Rooms.Of.GetValueOrDefault(package, []), Rooms.Door]), $"Write the rooms of {package} into tests/Runnel.Tests/House/Rooms.cs. It has other folders");
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void A_package_has_few_weighty_files_outside_of_rooms(string package)
    {
        // The small ones, an enum, an exception, a record of options, are what one type per file makes of a contract, and are read at a glance.
        var weighty = Repository.FilesBelow($"src/{package}", "*.cs").Count(file => FolderOf(package, file) == Rooms.Door && File.ReadLines(file).Count() > WeightyLines);

        Assert.True(weighty <= MaxWeightyFiles, $"{package} has {weighty} files of more than {WeightyLines} lines outside of rooms. With more than {MaxWeightyFiles} it needs rooms: see Rooms.cs.");
    }

    [Theory]
    [MemberData(nameof(PackagesWithRooms))]
    public void The_namespace_of_an_internal_type_follows_its_room(string package)
    {
        var wrong = Package.TypesOf(package).Where(type => type is { IsNested: false, IsPublic: false } && type.Namespace!.StartsWith(package, StringComparison.Ordinal))
            .Where(type => FolderOfType(package, type.Name.Split('`')[0]) is { } folder && type.Namespace != (folder == Rooms.Door ? package : $"{package}.{folder}"));

        Findings.AssertNone(wrong.Select(type => type.FullName!), "The namespace of an internal type is its package and its room. These have another");
    }

    [Fact]
    public void A_circle_between_rooms_is_found_when_one_is_made()
    {
        Dictionary<string, HashSet<string>> uses = new() { ["Low"] = ["High"], ["High"] = ["Low"] };
        Dictionary<string, string> rooms = new() { ["Low"] = "Cellar", ["High"] = "Attic" };

        var up = Upward(uses, rooms, ["Cellar", "Attic"]);

        Assert.Equal([("Low", "High")], up);
    }

    [Fact]
    public void References_are_read_from_the_compiled_code()
    {
        var uses = TypeReferences.Of(typeof(RoomTests).Assembly.Location);
        var name = typeof(RoomTests).FullName!;

        Assert.Contains(typeof(InALambda).FullName!, uses[name]);
        Assert.Contains(typeof(InAnAsyncMethod).FullName!, uses[name]);
        Assert.Contains(typeof(AsATypeArgument).FullName!, uses[name]);
    }

    // What the test above looks for.
    internal static Func<object> MakeLater() => static () => new InALambda();

    internal static async Task<object?> MakeAsync()
    {
        await Task.Yield();
        return new InAnAsyncMethod().ToString() + Array.Empty<AsATypeArgument>().Length;
    }

    private static Dictionary<string, HashSet<string>> UsesIn(string package) => TypeReferences.Of(Package.AssemblyOf(package).Location)
        .ToDictionary(entry => PlainNameOf(entry.Key), entry => entry.Value.Select(PlainNameOf).ToHashSet());

    private static List<(string User, string Used)> Upward(
        Dictionary<string, HashSet<string>> uses, Dictionary<string, string> roomOf, string[] order) =>
        [.. from entry in uses
            from used in entry.Value
            where roomOf.ContainsKey(entry.Key) && roomOf.ContainsKey(used) && Array.IndexOf(order, roomOf[used]) > Array.IndexOf(order, roomOf[entry.Key])
            select (entry.Key, used)];

    /// <summary>The groups of types in which each reaches each other (Tarjan's strongly connected components).</summary>
    private static List<List<string>> RingsOf(Dictionary<string, HashSet<string>> uses)
    {
        List<List<string>> rings = [];
        Dictionary<string, int> index = [], low = [];
        Stack<string> open = new();
        HashSet<string> isOpen = [];
        foreach (var type in uses.Keys.Where(type => !index.ContainsKey(type)))
            Visit(type);
        return rings;

        void Visit(string type)
        {
            index[type] = low[type] = index.Count;
            open.Push(type);
            isOpen.Add(type);
            foreach (var used in uses.GetValueOrDefault(type, []))
            {
                if (!index.ContainsKey(used))
                    Visit(used);
                if (isOpen.Contains(used))
                    low[type] = Math.Min(low[type], low[used]);
            }
            if (low[type] != index[type])
                return;
            List<string> ring = [];
            while (ring.Count == 0 || ring[^1] != type)
            {
                ring.Add(open.Pop());
                isOpen.Remove(ring[^1]);
            }
            rings.Add(ring);
        }
    }

    private static Dictionary<string, string> RoomsOfTypesIn(string package) =>
        (from file in Repository.FilesBelow($"src/{package}", "*.cs")
         from type in Declarations.In(file)
         select (type.Name, Room: FolderOf(package, file))).DistinctBy(found => found.Name).ToDictionary(found => found.Name, found => found.Room);

    private static string? FolderOfType(string package, string type) =>
        Repository.FilesBelow($"src/{package}", "*.cs").Where(file => Declarations.In(file).Any(found => found.Name == type)).Select(file => FolderOf(package, file)).FirstOrDefault();

    private static string FolderOf(string package, string file) => Path.GetRelativePath(Repository.PathTo($"src/{package}"), Path.GetDirectoryName(file)!);

    private static string PlainNameOf(string fullName) => fullName.Split('.')[^1];
}

internal sealed class InALambda;

internal sealed class InAnAsyncMethod;

internal sealed class AsATypeArgument;
