using System.Globalization;
using System.Text.RegularExpressions;
using Runnel.Tests.House;
using Runnel.Tests.Processes;
using Xunit;

namespace Runnel.Tests.Chaos;

/// <summary>The program in <c>bench</c>, run as a person runs it. It is built with these tests, in the same configuration.</summary>
internal sealed partial class BenchProgram
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(4);

    private readonly string _output;

    private BenchProgram(int exitCode, string output)
    {
        ExitCode = exitCode;
        _output = output;
    }

    public int ExitCode { get; }

    /// <summary>A figure of one of the tables that it printed: what stands behind the words.</summary>
    public long Figure(string row)
    {
        var found = Row().Matches(_output).FirstOrDefault(match => match.Groups["what"].Value.StartsWith(row, StringComparison.Ordinal));
        Assert.True(found is not null, $"There is no row '{row}' in what the program printed:{Environment.NewLine}{_output}");
        return long.Parse(found.Groups["figure"].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
    }

    public override string ToString() => _output;

    public static async Task<BenchProgram> RunAsync(params string[] words)
    {
        await using var process = ChildProcess.Start(PathOfProgram(), words, static start => // its children end with their input
            start.Environment["ERL_FLAGS"] = "+sbwt none +sbwtdcpu none +sbwtdio none"); // a RabbitMQ that has nothing to do waits instead of spinning
        var (code, output) = await process.EndAsync(Longest);
        return new BenchProgram(code, output);
    }

    private static string PathOfProgram()
    {
        var configuration = Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/')))!;
        return Repository.PathTo($"bench/bin/{configuration}/net10.0/Runnel.Bench.dll");
    }

    [GeneratedRegex(@"^\| (?<what>[^|]+?) \| (?<figure>[\d,]+) \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
