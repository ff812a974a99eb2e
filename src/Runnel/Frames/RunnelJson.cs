using System.Text.Encodings.Web;
using System.Text.Json;

namespace Runnel.Frames;

/// <summary>How Runnel writes and reads JSON unless an application says otherwise.</summary>
internal static class RunnelJson
{
    /// <summary>Leaves other alphabets readable; what goes to a socket is never put into HTML as it is.</summary>
    public static JavaScriptEncoder Encoder => JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    public static JsonSerializerOptions CreateOptions() => new(JsonSerializerDefaults.Web) { Encoder = Encoder };
}
