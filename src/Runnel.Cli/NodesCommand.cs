using System.CommandLine;

namespace Runnel.Cli;

/// <summary><c>runnel nodes</c>: the application's processes.</summary>
internal static class NodesCommand
{
    public static Command Create(SharedOptions shared)
    {
        var wait = Inputs.Duration("--wait", "How long to wait for the nodes' answers; 1s by default.");
        wait.DefaultValueFactory = static _ => TimeSpan.FromSeconds(1);
        var command = new Command("nodes", "Lists the application's processes that answer: what each does, where it is, what it runs, since when.") { wait };
        shared.Act(command, run => ListAsync(run, run.Parsed.GetValue(wait)));
        return command;
    }

    private static async Task ListAsync(CommandRun run, TimeSpan wait)
    {
        var nodes = await run.Layer.Nodes.AskAsync(wait, run.Interrupted);
        var now = TimeProvider.System.GetUtcNow();
        run.Screen.Answer(nodes.Select(node => new { node.Id, node.Incarnation, Roles = RolesOf(node), node.Address, node.Version, node.Since }), () =>
        {
            if (nodes.Count == 0)
                run.Screen.Remark("No node answers.");
            else
                run.Screen.Table(["Node", "Roles", "Address", "Version", "Up#"], nodes.Select(node => CellsOf(node, now)));
        });
    }

    private static IEnumerable<string?> CellsOf(NodeStatus node, DateTimeOffset now) =>
        [node.Id, string.Join(", ", RolesOf(node)), node.Address, node.Version, Duration.Describe(now - node.Since)];

    private static List<string> RolesOf(NodeStatus node) =>
        [.. Enum.GetValues<NodeRoles>().Where(role => role != NodeRoles.None && node.Roles.HasFlag(role)).Select(ToolJson.NameOf)];
}
