using System.CommandLine;
using System.CommandLine.Invocation;

namespace Runnel.Cli;

/// <summary>The <c>runnel</c> tool. Exit codes: 0 done, 1 a sentence on the error output says why not, 2 the command line cannot be understood.</summary>
internal static class Program
{
    // A load test with thousands of connections still has to judge and to close them.
    private static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(10);

    public static async Task<int> Main(string[] args)
    {
        // Without response files, or a key such as @alice would be read as one.
        var parsed = Root().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        try
        {
            if (parsed.Action is ParseErrorAction)
                throw ToolException.Usage(ComplaintOf(parsed));
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = LongestEnd });
        }
        catch (OperationCanceledException)
        {
            return await FailAsync("Interrupted.", ToolException.Failure);
        }
        catch (Exception exception)
        {
            return await FailAsync(ToolException.SentenceOf(exception), exception is ToolException known ? known.ExitCode : ToolException.Failure);
        }
    }

    private static RootCommand Root()
    {
        var shared = new SharedOptions();
        return new RootCommand("Shows and repairs what a Runnel layer holds: channels, dead letters, messages, jobs, and the nodes that share it; and puts load on WebSockets.")
        {
            ChannelsCommand.Create(shared),
            DeadLettersCommand.Create(shared),
            SendCommand.Create(shared),
            JobsCommand.Create(shared),
            NodesCommand.Create(shared),
            LoadCommand.Create(shared),
            shared.Layer,
            shared.QueueLayer,
            shared.StateLayer,
            shared.Json,
        };
    }

    private static string ComplaintOf(ParseResult parsed)
    {
        var command = string.Join(' ', PathTo(parsed.CommandResult.Command, parsed).Prepend("runnel"));
        var complaint = parsed.UnmatchedTokens is [var stranger, ..]
            ? $"'{command}' has no {(stranger.StartsWith('-') ? "option" : "command or argument")} '{stranger}'."
            : parsed.Errors[0].Message;
        return $"{complaint} See '{command} --help'.";
    }

    private static IEnumerable<string> PathTo(Command command, ParseResult parsed) =>
        command == parsed.RootCommandResult.Command ? [] : command.Parents.OfType<Command>().SelectMany(parent => PathTo(parent, parsed)).Append(command.Name);

    private static async Task<int> FailAsync(string sentence, int exitCode)
    {
        await Console.Error.WriteLineAsync(sentence);
        return exitCode;
    }
}
