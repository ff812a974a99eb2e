using System.Buffers;

namespace Runnel.Layers.Messages;

/// <summary>The characters of names, and the sentence that says so.</summary>
internal static class NameGrammar
{
    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    public static bool IsPlain(ReadOnlySpan<char> value) => value.Length > 0 && !value.ContainsAnyExcept(Allowed);

    public static string Explain(string what, string value, string? more = null)
    {
        // A hostile name may be a megabyte long: the sentence shows its start and its length.
        var shown = value.Length <= 120 ? value : $"{value[..120]}… ({value.Length} characters)";
        return $"'{shown}' is not a {what} name: a {what} name has 1 to 99 characters out of A–Z, a–z, 0–9, '-', '_' and '.'{(more is null ? "" : ", " + more)}.";
    }
}
