using System.Collections;
using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace Runnel.Tests.House;

/// <summary>What the documentation says an option is by default, it is.</summary>
public sealed partial class OptionDefaultsTests
{
    private const int FewestDefaults = 70;

    [Fact]
    public void Every_option_is_by_default_what_its_documentation_says()
    {
        List<string> wrong = [];
        var compared = 0;
        foreach (var (type, property, text) in Repository.Packages.SelectMany(Documented))
        {
            if (type.GetConstructor(Type.EmptyTypes) is null || Said(text) is not { } said)
                continue;
            compared++;
            var value = type.GetProperty(property)!.GetValue(Activator.CreateInstance(type));
            if (!said(value))
                wrong.Add($"{type.Name}.{property}: '{text}', and it is '{value}'");
        }

        Assert.Empty(wrong);
        Assert.True(compared >= FewestDefaults, $"Only {compared} options say what they are by default in a form that is understood here.");
    }

    private static IEnumerable<(Type Type, string Property, string Text)> Documented(string package)
    {
        var assembly = Package.AssemblyOf(package);
        foreach (var member in XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member"))
        {
            if (member.Element("value") is not { } value || member.Attribute("name")!.Value is not ['P', ':', .. var name])
                continue;
            var dot = name.LastIndexOf('.');
            yield return (assembly.GetType(name[..dot])!, name[(dot + 1)..], Plain(value));
        }
    }

    // What stands in the elements: the last part of what is referred to, or a word of the language.
    private static string Plain(XElement value) => string.Concat(value.Nodes().Select(node => node switch
    {
        XElement { Name.LocalName: "see" } see => see.Attribute("langword")?.Value ?? see.Attribute("cref")!.Value.Split('.')[^1],
        XElement element => element.Value,
        _ => node.ToString(),
    })).Trim();

    private static Predicate<object?>? Said(string text)
    {
        if (Default().Match(text) is not { Success: true } match)
            return null;
        var (said, number, unit) = (match.Groups["said"].Value, match.Groups["number"].Value, match.Groups["unit"].Value);
        if (number.Length == 0)
        {
            return said switch
            {
                "None" or "Nothing" or "null" => static value => value is null or ICollection { Count: 0 } || (value is IEnumerable items && !items.Cast<object>().Any()),
                "Zero" => static value => value is TimeSpan { Ticks: 0 } or 0,
                _ when said.Contains(' ', StringComparison.Ordinal) => null,
                _ => value => string.Equals(Convert.ToString(value, CultureInfo.InvariantCulture), said, StringComparison.OrdinalIgnoreCase),
            };
        }
        var count = double.Parse(number, NumberStyles.Number, CultureInfo.InvariantCulture);
        return unit.TrimEnd('s') switch
        {
            "MiB" => value => Convert.ToDouble(value, CultureInfo.InvariantCulture) == count * 1024 * 1024,
            "millisecond" or "m" => value => value is TimeSpan time && time == TimeSpan.FromMilliseconds(count),
            "second" => value => value is TimeSpan time && time == TimeSpan.FromSeconds(count),
            "minute" => value => value is TimeSpan time && time == TimeSpan.FromMinutes(count),
            "hour" => value => value is TimeSpan time && time == TimeSpan.FromHours(count),
            "day" => value => value is TimeSpan time && time == TimeSpan.FromDays(count),
            _ => value => Convert.ToDouble(value, CultureInfo.InvariantCulture) == count,
        };
    }

    [GeneratedRegex(@"^(?<said>((?<number>[0-9][0-9,.]*)( (?<unit>MiB|milliseconds?|ms|seconds?|minutes?|hours?|days?))?)|[^,:;]+?) (in the working directory )?by default")]
    private static partial Regex Default();
}
