using System.Diagnostics;
using System.Net.Http.Json;
using Runnel.Specification;
using Runnel.Tests.House;
using Xunit;

namespace Runnel.Tests.Samples;

/// <summary>What the samples leave beside themselves when somebody tries them.</summary>
public sealed class SampleFilesTests
{
    [Theory]
    [InlineData("Articles", "/api/articles", """{"title":"Water","body":"It flows."}""")]
    [InlineData("Progress", "/api/tasks", """{"steps":1,"stepMilliseconds":1}""")]
    [InlineData("Payments", "/api/orders/order-1/pay", """{"nonce":"ok","total":5}""")]
    public async Task What_a_sample_writes_is_not_for_the_repository(string sample, string path, string body)
    {
        Assert.SkipUnless(Path.Exists(Repository.PathTo(".git")), "This is no clone of the repository.");
        using var folder = new SampleFolder(isContentRoot: true);
        await using var app = await SampleProcess.ServeAsync(sample, folder);

        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(System.Text.Json.JsonElement.Parse(body)), Headers = { { "X-Api-Key", "dev" } } };
        (await app.Client.SendAsync(request)).EnsureSuccessStatusCode();
        if (sample == "Payments")
            await Wait.Until(() => File.Exists(Path.Combine(folder.Path, "ledger.jsonl")), "the order is charged");
        await app.KillAsync();

        string[] written = [.. Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories).Select(file => $"samples/{sample}/{Path.GetRelativePath(folder.Path, file)}").Order()];
        Assert.NotEmpty(written);
        Assert.Equal(written, await IgnoredAsync(written));
    }

    private static async Task<string[]> IgnoredAsync(string[] files)
    {
        var start = new ProcessStartInfo("git", ["check-ignore", "--no-index", .. files]) { WorkingDirectory = Repository.PathTo("."), RedirectStandardOutput = true };
        using var git = Process.Start(start)!;
        var output = await git.StandardOutput.ReadToEndAsync();
        await Wait.For(git.WaitForExitAsync(), "git");
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order()];
    }
}
