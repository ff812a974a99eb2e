namespace Runnel.Bench;

/// <summary>The programs of this machine.</summary>
internal static class Programs
{
    public static bool IsThere(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));
}
