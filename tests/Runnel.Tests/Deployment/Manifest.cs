using System.Text.Json.Nodes;
using Runnel.Tests.House;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace Runnel.Tests.Deployment;

/// <summary>The YAML files of <c>deploy/</c>. Anchors are resolved, and every value is a string.</summary>
internal static class Manifest
{
    /// <summary>All documents of Kubernetes, one after another.</summary>
    public static IReadOnlyList<JsonNode> Kubernetes { get; } = [.. Repository.FilesBelow("deploy/kubernetes", "*.yaml").SelectMany(Read)];

    /// <summary>The services of compose.</summary>
    public static JsonObject Services { get; } = (JsonObject)Read(Repository.PathTo("deploy/compose/compose.yaml")).Single()["services"]!;

    /// <summary>A document of Kubernetes.</summary>
    public static JsonNode Of(string kind, string name) => Kubernetes.Single(document => Text(document["kind"]) == kind && Text(document["metadata"]!["name"]) == name);

    /// <summary>The container of a deployment.</summary>
    public static JsonNode ContainerOf(string deployment) => Of("Deployment", deployment)["spec"]!["template"]!["spec"]!["containers"]![0]!;

    public static string Text(JsonNode? node) => node?.GetValue<string>() ?? "";

    public static string[] Words(JsonNode? node) => [.. node!.AsArray().Select(Text)];

    private static IEnumerable<JsonNode> Read(string file)
    {
        var deserializer = new DeserializerBuilder().Build();
        var serializer = new SerializerBuilder().JsonCompatible().Build();
        foreach (var document in File.ReadAllText(file).Split("\n---\n"))
            yield return JsonNode.Parse(serializer.Serialize(deserializer.Deserialize<object>(new MergingParser(new Parser(new StringReader(document))))))!;
    }
}
