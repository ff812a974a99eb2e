using System.Diagnostics;
using System.Text.Json;
using Runnel.Specification;
using Xunit;

namespace Runnel.Tests.Cli;

/// <summary>The tool as it was built, run as a process of its own with its output redirected; and what it said.</summary>
internal sealed record RunnelTool(int ExitCode, string Output, string Error)
{
    /// <summary>The document that <c>--json</c> asks for.</summary>
    public JsonElement Json
    {
        get
        {
            Assert.True(ExitCode == 0, Error);
            using var document = JsonDocument.Parse(Output);
            return document.RootElement.Clone();
        }
    }

    /// <summary>The one line of the answer.</summary>
    public string Line
    {
        get
        {
            Assert.True(ExitCode == 0, Error);
            return Assert.Single(Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
    }

    public static Task<RunnelTool> RunAsync(params string[] arguments) => RunAsync(new Dictionary<string, string>(), input: "", arguments);

    public static async Task<RunnelTool> RunAsync(Dictionary<string, string> environment, string input, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Runnel.Cli.dll"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("Runnel__Layer");
        start.Environment["GITHUB_ACTIONS"] = "true"; // where Spectre.Console would colour even what is redirected
        foreach (var (name, value) in environment)
            start.Environment[name] = value;

        using var process = Process.Start(start)!;
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await Wait.For(process.WaitForExitAsync(), $"'runnel {string.Join(' ', arguments)}' to end");
            return new RunnelTool(process.ExitCode, await output, await error);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>It failed as it should: with nothing on the output, and one sentence that has these words.</summary>
    public void FailsWith(int exitCode, string words)
    {
        Assert.Equal("", Output);
        Assert.Contains(words, Error, StringComparison.Ordinal);
        Assert.Single(Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(exitCode, ExitCode);
    }
}
