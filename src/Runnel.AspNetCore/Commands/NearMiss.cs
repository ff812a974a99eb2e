namespace Runnel.AspNetCore.Commands;

/// <summary>Finds the word that was meant by one that is nearly it.</summary>
internal static class NearMiss
{
    private const int LettersPerSlip = 3;

    /// <summary>The nearest of the known words, if it is near: one slip for every three letters, without case and dashes.</summary>
    public static string? Of(string word, IEnumerable<string> known)
    {
        var said = Letters(word);
        var nearest = known.Select(candidate => (Word: candidate, Slips: Slips(said, Letters(candidate)))).MinBy(candidate => candidate.Slips);
        return nearest.Word is not null && nearest.Slips <= Letters(nearest.Word).Length / LettersPerSlip ? nearest.Word : null;
    }

    private static string Letters(string word) => word.Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();

    // How many letters have to be put in, taken out or changed (Levenshtein's distance), by rows.
    private static int Slips(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var change = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, 1 + Math.Min(row[j], row[j - 1]));
            }
        }
        return row[^1];
    }
}
