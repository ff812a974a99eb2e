using Runnel.Tests.Processes;

namespace Runnel.Tests.Workers;

/// <summary>The test application (tests/Runnel.TestApp) as a process of its own.</summary>
internal static class AppProcess
{
    private const string Program = "Runnel.TestApp.dll";

    public static ChildProcess Start(params string[] arguments) => ChildProcess.Start(Program, arguments);

    /// <summary>Runs a command line that ends at once.</summary>
    public static Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments) => RepeatedProgram.RunAsync(Program, configure: null, input: "", arguments);
}
