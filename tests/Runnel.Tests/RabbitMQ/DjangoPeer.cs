using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Runnel.Specification;

namespace Runnel.Tests.RabbitMQ;

/// <summary>A Python process on the same virtual host, which speaks Django's wire with pika and msgpack: <c>django_peer.py</c>.</summary>
internal sealed class DjangoPeer : IAsyncDisposable
{
    private const string Python = "/usr/bin/python3"; // Debian's, to which its packages belong

    private readonly Process _process;

    private DjangoPeer(Process process, string queue) => (_process, Queue) = (process, queue);

    /// <summary>The name of its queue, with which its channels' names begin.</summary>
    public string Queue { get; }

    /// <summary>Starts one that has joined groups.</summary>
    public static Task<DjangoPeer> StartAsync(string address, params string[] groups) => StartAsync(address, capacity: 100, consumes: true, groups);

    /// <summary>Starts one, perhaps one that stands still, and what comes stays in its queue.</summary>
    public static async Task<DjangoPeer> StartAsync(string address, int capacity, bool consumes, params string[] groups)
    {
        var queue = "channels_" + new string([.. Enumerable.Range(0, 12).Select(_ => (char)('a' + Random.Shared.Next(26)))]);
        var script = Path.Combine(AppContext.BaseDirectory, "RabbitMQ", "django_peer.py");
        var process = Process.Start(new ProcessStartInfo(Python, [script, address, queue, $"{capacity}", consumes ? "consumes" : "stands", .. groups])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var peer = new DjangoPeer(process, queue);
        if ((await peer.ReadAsync())["ready"]?.GetValue<string>() != queue)
            throw new InvalidOperationException("The Python peer did not begin. It needs the packages 'python3-pika' and 'python3-msgpack'.");
        return peer;
    }

    /// <summary>Sends a message to a group.</summary>
    public Task SendToGroupAsync(string group, string message) => WriteAsync(new JsonObject { ["group"] = group, ["message"] = JsonNode.Parse(message) });

    /// <summary>Sends a message to one channel.</summary>
    public Task SendAsync(string channel, string message) => WriteAsync(new JsonObject { ["channel"] = channel, ["message"] = JsonNode.Parse(message) });

    /// <summary>Lets one that stands still begin.</summary>
    public Task ConsumeAsync() => WriteAsync(new JsonObject { ["consume"] = true });

    /// <summary>Publishes bytes that are no message under a group's name.</summary>
    public Task SendRawAsync(string group, params byte[] bytes) =>
        WriteAsync(new JsonObject { ["raw"] = group, ["message"] = new JsonObject { ["bytes"] = new JsonArray([.. bytes.Select(one => JsonValue.Create((int)one))]) } });

    /// <summary>The next message that came, as JSON without spaces.</summary>
    public async Task<string> NextAsync() => (await ReadAsync())["message"]!.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>The properties that the next message came with.</summary>
    public async Task<string> NextPropertiesAsync() => (await ReadAsync())["properties"]!.ToJsonString();

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await Wait.For(_process.WaitForExitAsync(), "the Python peer to end");
        _process.Dispose();
    }

    private async Task<JsonNode> ReadAsync() =>
        JsonNode.Parse(await Wait.For(_process.StandardOutput.ReadLineAsync(), "the Python peer to say something") ?? throw new InvalidOperationException("The Python peer has ended."))!;

    private async Task WriteAsync(JsonObject command)
    {
        await _process.StandardInput.WriteLineAsync(command.ToJsonString());
        await _process.StandardInput.FlushAsync();
    }
}
