using System.Text.Json;

namespace Runnel.Bench;

/// <summary>The child's end of <see cref="ChildProcess"/>: a line of words in, a line of JSON out, until the input ends.</summary>
internal static class ControlLoop
{
    public static async Task RunAsync(Func<string, string[], Task<object>> answer, CancellationToken cancellationToken)
    {
        while (await Console.In.ReadLineAsync(cancellationToken) is { } line)
        {
            var words = line.Split(' ');
            var result = await answer(words[0], words[1..]);
            Console.Out.WriteLine(JsonSerializer.Serialize(result));
        }
    }
}
