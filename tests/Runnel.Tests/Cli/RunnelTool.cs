using System.Diagnostics;
using System.Text.Json;
using Runnel.Tests.Processes;
using Xunit;

namespace Runnel.Tests.Cli;

/// <summary>The tool as it was built, run with its output redirected; and what it said.</summary>
internal sealed record RunnelTool(int ExitCode, string Output, string Error)
{
    private const string Program = "Runnel.Cli.dll";

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

    /// <summary>Runs it in a process that has run it before.</summary>
    public static async Task<RunnelTool> RunAsync(params string[] arguments)
    {
        var (code, output, error) = await RepeatedProgram.RunAsync(Program, Prepare, input: "", arguments);
        return new RunnelTool(code, output, error);
    }

    /// <summary>Runs it in a process of its own, with these variables.</summary>
    public static async Task<RunnelTool> RunAsync(Dictionary<string, string> environment, string input, params string[] arguments)
    {
        await using var process = ChildProcess.Start(Program, arguments, start =>
        {
            Prepare(start);
            foreach (var (name, value) in environment)
                start.Environment[name] = value;
        });
        await process.WriteAsync(input);
        var (code, _) = await process.EndAsync();
        return new RunnelTool(code, process.StandardOutput, process.StandardError);
    }

    /// <summary>It failed as it should: with nothing on the output, and one sentence that has these words.</summary>
    public void FailsWith(int exitCode, string words)
    {
        Assert.Equal("", Output);
        Assert.Contains(words, Error, StringComparison.Ordinal);
        Assert.Single(Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.DoesNotContain("(Parameter '", Error, StringComparison.Ordinal); // whoever reads it did not write the method
        Assert.Equal(exitCode, ExitCode);
    }

    private static void Prepare(ProcessStartInfo start)
    {
        foreach (var variable in new[] { "Runnel__Layer", "Runnel__QueueLayer", "Runnel__StateLayer" })
            start.Environment.Remove(variable);
        start.Environment["GITHUB_ACTIONS"] = "true"; // where Spectre.Console would colour even what is redirected
    }
}
