using System.CommandLine;

namespace Runnel.Cli;

/// <summary>What every command has: the layers that it works on, and whether a person or a script reads the answer.</summary>
internal sealed class SharedOptions
{
    public Option<string?> Layer { get; } = new("--layer")
    {
        Description = $"The layer's address, such as sqlite:work.db or redis://HOST. Without it: the environment's {OpenedLayer.Variable}.",
        HelpName = "URI",
        Recursive = true,
    };

    public Option<string?> QueueLayer { get; } = new("--queue-layer")
    {
        Description = $"The address of the layer for work, if the application has another one for it. Without it, and without --layer: the environment's {OpenedLayer.QueueVariable}.",
        HelpName = "URI",
        Recursive = true,
    };

    public Option<string?> StateLayer { get; } = new("--state-layer")
    {
        Description = $"The address of the layer for states of jobs, if the application has another one for them. Without it, and without --layer: the environment's {OpenedLayer.StateVariable}.",
        HelpName = "URI",
        Recursive = true,
    };

    public Option<bool> Json { get; } = new("--json") { Description = "Answer with one JSON document, for scripts.", Recursive = true };

    /// <summary>Has a command do something with the layer.</summary>
    public void Act(Command command, Func<CommandRun, Task> act) =>
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, act, mayCreate: false, cancellationToken));

    /// <summary>Opens the layer and does something with it.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="act">What is done.</param>
    /// <param name="mayCreate">Whether a layer that is not there yet may be made; a command that only looks would look into a new, empty one.</param>
    /// <param name="cancellationToken">Cancelled by Ctrl+C.</param>
    public async Task<int> RunAsync(ParseResult parsed, Func<CommandRun, Task> act, bool mayCreate, CancellationToken cancellationToken)
    {
        await using var layer = await OpenedLayer.OpenAsync(parsed.GetValue(Layer), parsed.GetValue(QueueLayer), parsed.GetValue(StateLayer), mayCreate, cancellationToken);
        await act(new CommandRun(parsed, layer, new Screen(parsed.GetValue(Json)), cancellationToken));
        return 0;
    }
}
