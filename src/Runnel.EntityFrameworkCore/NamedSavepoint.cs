namespace Runnel.EntityFrameworkCore;

/// <summary>The savepoint that is being set, released or rolled back to: EF's events about savepoints do not name it.</summary>
internal readonly struct NamedSavepoint : IDisposable
{
    private static readonly AsyncLocal<string?> Name = new();

    public NamedSavepoint(string name) => Name.Value = name;

    /// <summary>Its name, or <see langword="null"/> when the provider brings its own kind of transaction.</summary>
    public static string? Current => Name.Value;

    public void Dispose() => Name.Value = null;
}
