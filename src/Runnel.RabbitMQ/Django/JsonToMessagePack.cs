using System.Text.Json;

namespace Runnel.RabbitMQ.Django;

/// <summary>Writes a JSON value as MessagePack. A number with a point or an exponent is a float, any other one an integer.</summary>
internal static class JsonToMessagePack
{
    /// <summary>Writes a value.</summary>
    /// <exception cref="FormatException">MessagePack has nothing like it.</exception>
    /// <exception cref="InvalidOperationException">A text or a name has half of a surrogate pair.</exception>
    public static void Copy(JsonElement value, MessagePackWriter writer)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.BeginMap(value.GetPropertyCount());
                foreach (var property in value.EnumerateObject())
                    Copy(property, writer);
                break;
            case JsonValueKind.Array:
                writer.BeginArray(value.GetArrayLength());
                foreach (var item in value.EnumerateArray())
                    Copy(item, writer);
                break;
            case JsonValueKind.String:
                writer.Write(value.GetString()!);
                break;
            case JsonValueKind.Number:
                CopyNumber(value, writer);
                break;
            case JsonValueKind.Null:
                writer.WriteNil();
                break;
            default:
                writer.Write(value.GetBoolean());
                break;
        }
    }

    /// <summary>Writes a name and its value.</summary>
    /// <exception cref="FormatException">MessagePack has nothing like it.</exception>
    /// <exception cref="InvalidOperationException">A text or a name has half of a surrogate pair.</exception>
    public static void Copy(JsonProperty property, MessagePackWriter writer)
    {
        writer.Write(property.Name);
        Copy(property.Value, writer);
    }

    private static void CopyNumber(JsonElement value, MessagePackWriter writer)
    {
        var text = value.GetRawText();
        if (text.AsSpan().IndexOfAny('.', 'e', 'E') >= 0)
            writer.Write(value.TryGetDouble(out var number) && double.IsFinite(number) ? number : throw TooLarge(text));
        else if (value.TryGetInt64(out var signed))
            writer.Write(signed);
        else
            writer.Write(value.TryGetUInt64(out var unsigned) ? unsigned : throw TooLarge(text));
    }

    private static FormatException TooLarge(string number) => new($"the number {(number.Length > 40 ? $"{number[..40]}…" : number)} is too large");
}
