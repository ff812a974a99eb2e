using Runnel.Tests.Processes;

namespace Runnel.Tests.Workers;

/// <summary>The test application (tests/Runnel.TestApp) as a process of its own.</summary>
internal static class AppProcess
{
    public static ChildProcess Start(params string[] arguments) => ChildProcess.Start("Runnel.TestApp.dll", arguments);
}
