using System.CommandLine;
using Runnel.Bench;

var root = new RootCommand("Runnel beside its peers, on this machine; and what it does when its processes are killed.")
{
    FanoutCommand.Create(),
    IdleCommand.Create(),
    ScaleOutCommand.Create(),
    QueueCommand.Create(),
    ChaosCommand.Create(),
    RecoveryCommand.Create(),
    SplitCommand.Create(),
    ServerProcess.CreateCommand(),
    LoadProcess.CreateCommand(),
    ChaosProducer.CreateCommand(),
    ChaosWorker.CreateCommand(),
    RecoveryNode.CreateCommand(),
    RecoveryClients.CreateCommand(),
    SplitNode.CreateCommand(),
};

// Who stops a run waits until its processes have ended and its files are gone.
var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromMinutes(1) };

try
{
    return await root.Parse(args).InvokeAsync(invocation);
}
catch (BenchException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Stopped; the processes that were started have ended.");
    return 130;
}
