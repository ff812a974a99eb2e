using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using Runnel.Specification;
using Runnel.Tests.House;
using Runnel.Tests.Samples;
using Xunit;

namespace Runnel.Tests.Load;

/// <summary>What Tsung is given for Articles. Tsung itself is not started: these tests show that the file is XML and fits the sample and the script, and that the script reads Tsung's log.</summary>
public sealed partial class TsungTests
{
    private static readonly string Folder = Repository.PathTo("samples/Articles/loadtest");
    private static readonly string Configuration = File.ReadAllText(Path.Combine(Folder, "tsung.xml"));

    [Fact]
    public async Task The_paths_of_the_configuration_are_there()
    {
        await using var app = new ArticlesApp();
        using var writer = app.CreateWriter();
        using var reader = XmlReader.Create(new StringReader(Configuration), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        var document = XDocument.Load(reader);

        var socket = document.Descendants("websocket").Select(element => (string?)element.Attribute("path")).First();
        var post = document.Descendants("http").Single();
        using var noHandshake = await writer.GetAsync(new Uri(socket!, UriKind.Relative));
        using var posted = await writer.PostAsync(
            new Uri((string)post.Attribute("url")!, UriKind.Relative), new StringContent((string)post.Attribute("contents")!, null, (string)post.Attribute("content_type")!));

        Assert.Equal(HttpStatusCode.BadRequest, noHandshake.StatusCode); // a socket's endpoint, and this was no handshake
        Assert.Equal(HttpStatusCode.Created, posted.StatusCode);
    }

    [Fact]
    public void The_script_fills_in_every_place_of_the_configuration()
    {
        var script = File.ReadAllText(Path.Combine(Folder, "run"));

        var places = Place().Matches(Configuration).Select(match => match.Value).Distinct().ToList();

        Assert.NotEmpty(places);
        Assert.All(places, place => Assert.Contains($"s/{place}/", script, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--rate many", "--rate takes a whole number above 0, not 'many'.")]
    [InlineData("--url https://localhost", "--url takes http://HOST:PORT")]
    [InlineData("--frobnicate 1", "there is no option '--frobnicate'")]
    public async Task What_the_script_cannot_understand_is_a_sentence_and_exit_code_2(string arguments, string words)
    {
        var (code, _, error) = await RunAsync(Path.Combine(Folder, "run"), arguments.Split(' '));

        Assert.Contains(words, error, StringComparison.Ordinal);
        Assert.Equal(2, code);
    }

    [Fact]
    public async Task The_summary_adds_up_what_the_log_says()
    {
        var log = Path.GetTempFileName();
        await File.WriteAllTextAsync(log, """
            # stats: dump at 1795330667
            stats: connected 30 30
            stats: tr_handshake 30 10.0 1.0 40.0 1.0 0 0
            stats: tr_post 2 4.0 1.0 9.5 1.0 0 0
            stats: 201 2 2
            # stats: dump at 1795330677
            stats: connected -28 2
            stats: tr_handshake 10 20.0 1.0 50.0 1.0 10.0 30
            stats: tr_post 0 0 0 9.5 1.0 4.0 2
            stats: websocket_succ 0 38
            stats: websocket_fail 2 2
            stats: 201 0 2
            stats: 429 0 3
            stats: async_unknown_data_rcv 0 70
            stats: size_rcv 0 9000
            """);

        var (code, output, _) = await RunAsync("awk", ["-f", Path.Combine(Folder, "summary.awk"), log]);
        File.Delete(log);

        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Spaces().Replace(line, " "));
        string[] expected =
        [
            "connected at most: 30", "sockets opened: 38", "handshakes: 40, mean 12.5 ms, longest 50.0 ms", "POSTs: 2, mean 4.0 ms, longest 9.5 ms", "answers with 201: 2",
            "received unasked: 70, 9000 bytes", "errors: 2 × websocket_fail", "errors: 3 × status 429",
        ];
        Assert.Equal(expected.Order(StringComparer.Ordinal), lines.Order(StringComparer.Ordinal));
        Assert.Equal(0, code);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await Wait.For(process.WaitForExitAsync(), program);
        return (process.ExitCode, await output, await error);
    }

    [GeneratedRegex("@[A-Z_]+@")]
    private static partial Regex Place();

    [GeneratedRegex(" +")]
    private static partial Regex Spaces();
}
