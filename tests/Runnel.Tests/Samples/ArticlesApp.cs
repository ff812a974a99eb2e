using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Articles;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Logging;
using Runnel.Specification;

namespace Runnel.Tests.Samples;

/// <summary>The Articles sample on a real port of the loopback.</summary>
internal sealed partial class ArticlesApp : WebApplicationFactory<ArticlesContext>
{
    private readonly int _port;
    private readonly string _environment;
    private readonly string _database;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runnel-articles-");

    public ArticlesApp(int port = 0, string environment = "Development", string database = "")
    {
        _database = database.Length > 0 ? database : $"Data Source={Path.Combine(_folder.FullName, "articles.db")};Pooling=False";
        _environment = environment;
        _port = port;
        UseKestrel(); // with a port, the factory would set it while the program may be starting its server already
        StartServer();
    }

    public Uri Address => ClientOptions.BaseAddress;

    /// <summary>A program that knows the key.</summary>
    public HttpClient CreateWriter()
    {
        var client = CreateClient();
        client.DefaultRequestHeaders.Add("X-Api-Key", "dev");
        return client;
    }

    public async Task<FrameReader> OpenSocketAsync(string path)
    {
        var socket = new ClientWebSocket();
        await Wait.For(socket.ConnectAsync(new Uri($"ws://{Address.Authority}{path}"), CancellationToken.None), "the socket to open");
        return new FrameReader(socket);
    }

    /// <summary>Fills in and sends the login form.</summary>
    public static async Task<HttpResponseMessage> SignInAsync(HttpClient client, string password, string form = "/admin/login") =>
        await client.PostAsync(form, new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["Name"] = "admin",
            ["Password"] = password,
            ["__RequestVerificationToken"] = Token().Match(await client.GetStringAsync("/admin/login")).Groups[1].Value,
        }));

    public static async Task<int> PostAsync(HttpClient writer, string title)
    {
        using var response = await writer.PostAsJsonAsync("/api/articles", new { title, body = "A body." });
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetInt32();
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (_folder.Exists)
            _folder.Delete(recursive: true);
    }

    protected override void ConfigureClient(HttpClient client)
    {
        base.ConfigureClient(client);
        client.Timeout = Wait.Limit;
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder) => builder
        .UseEnvironment(_environment)
        .UseUrls($"http://127.0.0.1:{_port}")
        .UseSetting("ConnectionStrings:Articles", _database)
        .ConfigureLogging(static logging => logging.ClearProviders()); // it would bury what a test says

    [GeneratedRegex("""name="__RequestVerificationToken" type="hidden" value="([^"]+)""")]
    private static partial Regex Token();
}

/// <summary>A bare WebSocket that reads JSON frames.</summary>
internal sealed class FrameReader(ClientWebSocket socket) : IDisposable
{
    private readonly byte[] _buffer = new byte[64 * 1024];

    public async Task<JsonElement> ReadAsync()
    {
        var length = 0;
        ValueWebSocketReceiveResult result;
        do
        {
            result = await Wait.For(socket.ReceiveAsync(_buffer.AsMemory(length), CancellationToken.None).AsTask(), "a frame");
            length += result.Count;
        }
        while (!result.EndOfMessage);

        return JsonElement.Parse(_buffer.AsSpan(0, length));
    }

    /// <summary>Whether a frame is there already.</summary>
    public bool HasFrame => socket.ReceiveAsync(ArraySegment<byte>.Empty, CancellationToken.None).IsCompleted;

    public void Dispose() => socket.Dispose();
}
