using System.Text.Json;
using System.Text.Json.Serialization;

namespace Runnel.EntityFrameworkCore;

/// <summary>What the members of a group receive about one row, as JSON.</summary>
/// <remarks>The four names are the protocol's and never change. The names inside <c>data</c> follow the application's JSON options.</remarks>
internal sealed record BoundChange(
    [property: JsonPropertyName("action")] string Action,
    [property: JsonPropertyName("model")] string Model,
    [property: JsonPropertyName("pk")] JsonElement PrimaryKey,
    [property: JsonPropertyName("data")] JsonElement Data)
{
    public const string Create = "create";
    public const string Update = "update";
    public const string Delete = "delete";
}
