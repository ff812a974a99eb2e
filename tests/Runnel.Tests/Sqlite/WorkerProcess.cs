using Runnel.Tests.Processes;

namespace Runnel.Tests.Sqlite;

/// <summary>A worker in a process of its own (tests/Runnel.TestWorker), which the test may kill.</summary>
internal static class WorkerProcess
{
    public static ChildProcess Start(params string[] arguments) => ChildProcess.Start("Runnel.TestWorker.dll", arguments);
}
