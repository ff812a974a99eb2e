using System.Globalization;
using System.Text.Json;

namespace Runnel.RabbitMQ.Django;

/// <summary>Writes a value of MessagePack as JSON.</summary>
/// <remarks>
/// Integers and floats stay what they are: a float has a point or an exponent. Bytes become text in base64, which is how .NET reads a <c>byte[]</c> from JSON. JSON has no
/// numbers that are infinite or none.
/// </remarks>
internal static class MessagePackToJson
{
    /// <summary>Reads a value, and writes it.</summary>
    /// <param name="reader">Where it stands.</param>
    /// <param name="json">Where it goes.</param>
    /// <param name="depth">In how many lists and maps it is.</param>
    /// <exception cref="FormatException">It is malformed, or JSON has nothing like it.</exception>
    public static void Copy(ref MessagePackReader reader, Utf8JsonWriter json, int depth)
    {
        MessagePackReader.CheckDepth(depth);
        switch (reader.Next)
        {
            case MessagePackKind.Nil:
                reader.ReadNil();
                json.WriteNullValue();
                break;
            case MessagePackKind.Boolean:
                json.WriteBooleanValue(reader.ReadBoolean());
                break;
            case MessagePackKind.Integer:
                json.WriteRawValue(reader.ReadInteger().ToString(CultureInfo.InvariantCulture), skipInputValidation: true);
                break;
            case MessagePackKind.Float:
                json.WriteRawValue(Format(reader.ReadFloat()), skipInputValidation: true);
                break;
            case MessagePackKind.Text:
                json.WriteStringValue(reader.ReadText());
                break;
            case MessagePackKind.Binary:
                json.WriteBase64StringValue(reader.ReadBinary());
                break;
            case MessagePackKind.Array:
                json.WriteStartArray();
                for (var left = reader.BeginArray(); left > 0; left--)
                    Copy(ref reader, json, depth + 1);
                json.WriteEndArray();
                break;
            case MessagePackKind.Map:
                json.WriteStartObject();
                for (var left = reader.BeginMap(); left > 0; left--)
                {
                    json.WritePropertyName(reader.ReadKey());
                    Copy(ref reader, json, depth + 1);
                }
                json.WriteEndObject();
                break;
        }
    }

    private static string Format(double value)
    {
        if (!double.IsFinite(value))
            throw new FormatException($"A number is {value.ToString(CultureInfo.InvariantCulture)}, which JSON cannot say.");
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        return text.AsSpan().IndexOfAny('.', 'E') < 0 ? text + ".0" : text;
    }
}
