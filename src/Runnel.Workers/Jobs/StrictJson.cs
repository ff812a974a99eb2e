using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Runnel.Workers.Jobs;

/// <summary>How workers read messages: one that lacks what its consumer needs is refused with a sentence, and not handed over with a hole in it.</summary>
internal static class StrictJson
{
    /// <summary>The same options, but a constructor's parameter that is not nullable and has no default value is required.</summary>
    public static JsonSerializerOptions Of(JsonSerializerOptions options)
    {
        var resolver = options.TypeInfoResolver ?? new DefaultJsonTypeInfoResolver();
        return new JsonSerializerOptions(options) { RespectNullableAnnotations = true, TypeInfoResolver = resolver.WithAddedModifier(RequireParameters) };
    }

    private static void RequireParameters(JsonTypeInfo type)
    {
        if (type.Options.DefaultIgnoreCondition == JsonIgnoreCondition.WhenWritingDefault)
            return; // what the sender leaves out is not missing
        foreach (var property in type.Properties.Where(property => property is { ShouldSerialize: null, AssociatedParameter: { IsNullable: false, HasDefaultValue: false } }))
            property.IsRequired = true;
    }
}
