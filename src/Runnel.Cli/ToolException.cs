namespace Runnel.Cli;

/// <summary>Ends the tool with a sentence and an exit code.</summary>
internal sealed class ToolException(string sentence, int exitCode = ToolException.Failure) : Exception(sentence)
{
    /// <summary>It could not be done.</summary>
    public const int Failure = 1;

    private const int Misunderstood = 2;

    public int ExitCode { get; } = exitCode;

    /// <summary>The command line cannot be understood, or leaves out what has to be said.</summary>
    public static ToolException Usage(string sentence) => new(sentence, Misunderstood);

    /// <summary>What an exception says to a person, who did not write the method whose parameter it may name.</summary>
    public static string SentenceOf(Exception exception) => exception is ArgumentException { ParamName: { } parameter }
        ? exception.Message.Replace($" (Parameter '{parameter}')", "", StringComparison.Ordinal)
        : exception.Message;
}
