using System.Globalization;
using System.Runtime;
using System.Runtime.InteropServices;
using System.Text;

namespace Runnel.Bench;

/// <summary>A page of Markdown: what was measured on what, then the tables.</summary>
internal sealed class BenchReport
{
    private readonly StringBuilder _text = new();

    public BenchReport(string title, FormattableString circumstances)
    {
        _text.Append(CultureInfo.InvariantCulture, $"# {title}\n\n");
        _text.Append(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} cores, {RuntimeInformation.FrameworkDescription}, ");
        _text.Append(CultureInfo.InvariantCulture, $"{RuntimeInformation.OSArchitecture} {RuntimeInformation.OSDescription}; servers with {GarbageCollection()}. ");
        _text.Append(circumstances.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    public BenchReport Add(string heading, MarkdownTable table)
    {
        _text.Append(CultureInfo.InvariantCulture, $"\n## {heading}\n\n{table}");
        return this;
    }

    /// <summary>Prints the page, and keeps it in the file if one is named.</summary>
    public async Task PublishAsync(FileInfo? file)
    {
        Console.Write(_text);
        if (file is null)
            return;
        file.Directory!.Create();
        await File.WriteAllTextAsync(file.FullName, _text.ToString());
    }

    // This process is started with the same settings as its servers.
    private static string GarbageCollection() =>
        $"{(GCSettings.IsServerGC ? "server" : "workstation")} GC{(GCSettings.LatencyMode == GCLatencyMode.Interactive ? ", concurrent" : "")}";
}
