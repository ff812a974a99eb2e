namespace Runnel.Layers;

/// <summary>A pattern for names, as a shell has them: <c>*</c> any text, <c>?</c> any character, <c>[abc]</c>, <c>[a-z]</c>, <c>[!a-z]</c>.</summary>
/// <remarks>
/// It has to fit the whole name, and is case-sensitive. A <c>!</c> outside of brackets means itself, as does a <c>[</c> that is never
/// closed; a <c>]</c> right after the opening is one of the set. Any pattern takes time proportional to pattern times name at most.
/// Thread-safe.
/// </remarks>
public sealed class Glob
{
    private readonly List<Token> _tokens = [];

    /// <summary>Reads a pattern; every text is one.</summary>
    public Glob(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        Pattern = pattern;
        for (var at = 0; at < pattern.Length;)
            _tokens.Add(Read(pattern, ref at));
    }

    /// <summary>The pattern, as it was written.</summary>
    public string Pattern { get; }

    /// <summary>Whether the pattern fits the whole text.</summary>
    public bool IsMatch(ReadOnlySpan<char> text)
    {
        // On a mismatch only the latest star can help: whatever an earlier one could take, the latest can take too.
        var (token, at) = (0, 0);
        var (star, starAt) = (-1, 0);
        while (at < text.Length)
        {
            if (token < _tokens.Count && _tokens[token].IsStar)
                (star, starAt) = (token++, at);
            else if (token < _tokens.Count && _tokens[token].Fits(text[at]))
                (token, at) = (token + 1, at + 1);
            else if (star >= 0)
                (token, at) = (star + 1, ++starAt);
            else
                return false;
        }
        while (token < _tokens.Count && _tokens[token].IsStar)
            token++;
        return token == _tokens.Count;
    }

    /// <inheritdoc/>
    public override string ToString() => Pattern;

    private static Token Read(string pattern, ref int at)
    {
        var first = pattern[at++];
        if (first == '*')
            return new Token(null, IsNegated: false, IsStar: true);
        if (first == '?')
            return new Token([], IsNegated: true, IsStar: false);
        var isNegated = first == '[' && at < pattern.Length && pattern[at] == '!';
        var begin = isNegated ? at + 1 : at;
        var end = first == '[' && begin < pattern.Length ? pattern.IndexOf(']', begin + 1) : -1;
        if (end < 0)
            return new Token([(first, first)], IsNegated: false, IsStar: false);
        at = end + 1;
        return new Token(ReadRanges(pattern.AsSpan(begin, end - begin)), isNegated, IsStar: false);
    }

    private static (char From, char To)[] ReadRanges(ReadOnlySpan<char> set)
    {
        List<(char, char)> ranges = [];
        for (var at = 0; at < set.Length; at++)
        {
            var isRange = at + 2 < set.Length && set[at + 1] == '-';
            ranges.Add((set[at], isRange ? set[at + 2] : set[at]));
            at += isRange ? 2 : 0;
        }
        return [.. ranges];
    }

    private readonly record struct Token((char From, char To)[]? Ranges, bool IsNegated, bool IsStar)
    {
        public bool Fits(char character)
        {
            var isIn = false;
            foreach (var (from, to) in Ranges!)
                isIn |= character >= from && character <= to;
            return isIn != IsNegated;
        }
    }
}
