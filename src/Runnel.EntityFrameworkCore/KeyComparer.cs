namespace Runnel.EntityFrameworkCore;

/// <summary>Orders keys column by column; what has no order of its own stays where it is.</summary>
internal sealed class KeyComparer : IComparer<object?[]>
{
    public static readonly KeyComparer Instance = new();

    public int Compare(object?[]? x, object?[]? y) =>
        x!.Zip(y!, CompareColumn).FirstOrDefault(result => result != 0);

    private static int CompareColumn(object? x, object? y) => (x, y) switch
    {
        (string left, string right) => string.CompareOrdinal(left, right),
        (IComparable left, { } right) when left.GetType() == right.GetType() => left.CompareTo(right),
        _ => 0,
    };
}
