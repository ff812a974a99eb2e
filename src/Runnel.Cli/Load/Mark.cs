using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Runnel.Cli.Load;

/// <summary>By what a message of this run is known, whatever a server puts around it: <c>rl4f2a9c1b-2-17x</c> is message 17 of publisher 2.</summary>
/// <remarks>It has letters, digits and hyphens only, so that no encoding changes it. Its run's random part keeps it apart from what earlier runs left on the server.</remarks>
internal sealed class Mark
{
    /// <summary>The number of what is sent before the test begins, to see who gets it.</summary>
    public const int ProbeNumber = 0;

    private readonly string _head;
    private readonly byte[] _headBytes;

    /// <param name="run">The run's part, of letters and digits.</param>
    public Mark(string run)
    {
        _head = $"rl{run}-";
        _headBytes = Encoding.ASCII.GetBytes(_head);
    }

    public static Mark OfNewRun() => new(RandomNumberGenerator.GetHexString(8, lowercase: true));

    /// <param name="publisher">Whose message it is, from 0.</param>
    /// <param name="number">Which one, from 1.</param>
    public string Of(int publisher, int number) => $"{_head}{publisher + 1}-{number}x";

    /// <summary>Finds the next mark.</summary>
    /// <param name="text">Where to look; afterwards what is behind the mark.</param>
    /// <param name="publisher">Whose message it is.</param>
    /// <param name="number">Which one.</param>
    public bool TryFind(ref ReadOnlySpan<byte> text, out int publisher, out int number)
    {
        while (true)
        {
            (publisher, number) = (0, 0);
            var start = text.IndexOf(_headBytes);
            if (start < 0)
                return false;
            text = text[(start + _headBytes.Length)..];
            if (!Utf8Parser.TryParse(text, out publisher, out var read) || text.Length <= read || text[read] != (byte)'-')
                continue;
            var rest = text[(read + 1)..];
            if (!Utf8Parser.TryParse(rest, out number, out read) || rest.Length <= read || rest[read] != (byte)'x')
                continue;
            text = rest[(read + 1)..];
            publisher--; // people count from 1
            return true;
        }
    }
}
