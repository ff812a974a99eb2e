using System.CommandLine;

namespace Runnel.Cli;

/// <summary>One run of a command.</summary>
/// <param name="Parsed">The command line.</param>
/// <param name="Layer">The layer that it works on.</param>
/// <param name="Screen">Where the answer goes.</param>
/// <param name="Interrupted">Cancelled by Ctrl+C.</param>
internal sealed record CommandRun(ParseResult Parsed, OpenedLayer Layer, Screen Screen, CancellationToken Interrupted);
