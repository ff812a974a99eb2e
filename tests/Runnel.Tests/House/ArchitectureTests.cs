using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace Runnel.Tests.House;

/// <summary>The shape of the house: floors, namespaces, sizes, names. A rule that is only written down is soon an old one.</summary>
public sealed partial class ArchitectureTests
{
    private const int MaxLines = 400;

    private static readonly string[] ExtensionNamespaces = ["Microsoft.Extensions.DependencyInjection", "Microsoft.Extensions.Hosting", "Microsoft.AspNetCore.Builder"];
    private static readonly string[] SeesInternals = ["Runnel.Tests", "Runnel.Specification", "Runnel.Bench"];
    private static readonly string[] ForbiddenEndings = ["Manager", "Helper", "Helpers", "Util", "Utils", "Common", "Base", "Impl", "Processor", "Info", "Data"];

    public static TheoryData<string> Packages => [.. Repository.Packages];

    [Theory]
    [MemberData(nameof(Packages))]
    public void A_package_refers_only_to_floors_below_it(string package)
    {
        Assert.True(Package.All.ContainsKey(package), $"{package} has no floor yet: give it one in tests/Runnel.Tests/House/Package.cs and in ARCHITECTURE.md.");
        var floor = Package.All[package].Floor;

        var references = Repository.ItemsOf(Repository.ProjectOf(package), "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/')));

        Findings.AssertNone(
            references.Where(reference => Package.All[reference].Floor >= floor),
            $"{package} is on floor {floor} and may refer only to floors below. It also refers to");
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void A_package_brings_nothing_that_is_not_its_own_business(string package)
    {
        var brings = Repository.ItemsOf(Repository.ProjectOf(package), "PackageReference");

        Findings.AssertNone(brings.Except(Package.All[package].Brings), $"{package} may bring [{string.Join(", ", Package.All[package].Brings)}]. It also brings");
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void The_two_lowest_floors_know_nothing_of_the_web_server(string package)
    {
        if (Package.All[package].Floor > 1)
            return;

        var references = Package.AssemblyOf(package).GetReferencedAssemblies().Select(name => name.Name!);

        Findings.AssertNone(references.Where(name => name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)), $"{package} stands below the web server, but uses");
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void Only_tests_and_benchmarks_see_internals(string package)
    {
        var friends = Package.AssemblyOf(package).GetCustomAttributes(typeof(InternalsVisibleToAttribute), false).Cast<InternalsVisibleToAttribute>();

        Findings.AssertNone(friends.Select(friend => friend.AssemblyName).Except(SeesInternals), $"What ships meets at public members. {package} opens its internals to");
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void What_an_application_sees_of_an_assembly_is_one_namespace_of_its_own_name(string package)
    {
        var elsewhere = Package.TypesOf(package).Where(type => type.IsVisible && type.Namespace != package && !IsExtensionClass(type));

        Findings.AssertNone(
            elsewhere.Select(type => type.FullName!),
            $"Everything public in {package} is in namespace {package}, but for static classes of extensions in {string.Join(" and ", ExtensionNamespaces)}. These are not");
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void A_type_is_called_what_it_is(string package)
    {
        var vague = Package.TypesOf(package).Where(type => ForbiddenEndings.Any(ending => PlainNameOf(type).EndsWith(ending, StringComparison.Ordinal)));

        Findings.AssertNone(vague.Select(type => type.FullName!), $"No type's name ends in {string.Join(", ", ForbiddenEndings)}: say what it is. These do");
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void A_public_type_has_a_file_of_its_name_to_itself(string package)
    {
        var wrong = new List<string>();
        foreach (var file in Repository.FilesBelow($"src/{package}", "*.cs"))
        {
            var fileName = Path.GetFileName(file).Split('.')[0]; // GroupRegistry.Linger.cs is a part of GroupRegistry
            var types = Declarations.In(file).ToList();
            var others = types.Where(type => type.Name != fileName).ToList();
            if (others.Count == types.Count || others.Any(type => type.IsPublic))
                wrong.Add($"{Repository.RelativeTo(file)} ({string.Join(", ", types.Select(type => type.Name))})");
        }

        Findings.AssertNone(wrong, "A file holds one public type and has its name; a small internal one may share it. These do not");
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void An_option_says_its_default(string package)
    {
        var documentation = XDocument.Load(Path.ChangeExtension(Package.AssemblyOf(package).Location, ".xml"));
        var withValue = documentation.Descendants("member").Where(member => member.Element("value") is not null).Select(member => (string?)member.Attribute("name")).ToHashSet();

        var options = Package.TypesOf(package).Where(type => type.IsPublic && type.Name.EndsWith("Options", StringComparison.Ordinal));
        var settable = options.SelectMany(type => type.GetProperties()).Where(property => property.SetMethod is { IsPublic: true });

        Findings.AssertNone(
            settable.Select(property => $"{property.DeclaringType!.FullName}.{property.Name}").Where(name => !withValue.Contains("P:" + name)),
            "The <value> of an option's documentation says what it is by default. It is missing at");
    }

    [Fact]
    public void A_file_has_one_subject()
    {
        string[] places = ["src", "tests", "samples", "bench", "client/src", "client/test"];
        var files = places.SelectMany(place => Repository.FilesBelow(place)).Where(file => Path.GetExtension(file) is ".cs" or ".ts");

        Findings.AssertNone(
            files.Select(file => (file, Lines: File.ReadLines(file).Count())).Where(found => found.Lines > MaxLines).Select(found => $"{Repository.RelativeTo(found.file)} ({found.Lines})"),
            $"A file of more than {MaxLines} lines has two subjects. These have");
    }

    [Fact]
    public void No_file_knows_the_machine_it_was_written_on()
    {
        Findings.AssertNone(
            Occurrences(MachinePath(), _ => true),
            "Paths of one machine and hosts of package registries mean nothing elsewhere. They are in");
    }

    [Fact]
    public void What_is_left_to_do_is_an_issue_and_not_a_comment()
    {
        Findings.AssertNone(
            Occurrences(LeftToDo(), file => Path.GetExtension(file) is ".cs" or ".ts" or ".mjs" or ".js" or ".md" or ".csproj" or ".props" or ".cshtml" or ".css"),
            "What is left to do is an issue. These say it in the source");
    }

    [Fact]
    public void A_client_of_a_test_gives_up_when_tests_do()
    {
        Findings.AssertNone(
            Occurrences(PatientClient(), file => Path.GetExtension(file) is ".cs" && Repository.RelativeTo(file).StartsWith("tests/", StringComparison.Ordinal)),
            "The time-out of an HttpClient is 100 s by default, which would hide a hang: set it, to Wait.Limit say. It is not set in");
    }

    private static IEnumerable<string> Occurrences(Regex pattern, Func<string, bool> where)
    {
        foreach (var file in Repository.FilesBelow(".").Where(where))
        {
            var text = File.ReadAllText(file);
            if (!text.Contains('\0', StringComparison.Ordinal) && pattern.Match(text) is { Success: true } match)
                yield return $"{Repository.RelativeTo(file)} ('{match.Value}')";
        }
    }

    private static bool IsExtensionClass(Type type)
    {
        while (type.DeclaringType is { } outer) // the compiler nests what it makes of extension blocks and lambdas
            type = outer;
        return type is { IsAbstract: true, IsSealed: true } && ExtensionNamespaces.Contains(type.Namespace);
    }

    private static string PlainNameOf(Type type) => type.Name.Split('`')[0];

    // The brackets keep the pattern from finding itself.
    [GeneratedRegex(@"(?<![\w.:/}])/(?:r[o]ot|h[o]me|w[o]rk|U[s]ers)/|https?://[a-z.-]*(?:nug[e]t|npmj[s]|debi[a]n)\b", RegexOptions.CultureInvariant)]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"n[e]w HttpClient\((?!.*\bTimeout = )", RegexOptions.CultureInvariant)]
    private static partial Regex PatientClient();

    [GeneratedRegex(@"\b(?:TOD[O]|FIXM[E])\b", RegexOptions.CultureInvariant)]
    private static partial Regex LeftToDo();
}
