using System.CommandLine;
using Runnel.Bench;

var root = new RootCommand("Runnel beside its peers, on this machine.")
{
    FanoutCommand.Create(),
    IdleCommand.Create(),
    ServerProcess.CreateCommand(),
    LoadProcess.CreateCommand(),
};

return await root.Parse(args).InvokeAsync();
