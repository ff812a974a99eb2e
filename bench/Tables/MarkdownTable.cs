using System.Text;

namespace Runnel.Bench;

/// <summary>A Markdown table: the first column to the left, figures to the right.</summary>
internal sealed class MarkdownTable(params string[] headings)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] cells) => _rows.Add(cells);

    public override string ToString()
    {
        var text = new StringBuilder();
        Append(text, headings);
        Append(text, [" --- ", .. Enumerable.Repeat(" ---: ", headings.Length - 1)], separator: "|");
        foreach (var row in _rows)
            Append(text, row);
        return text.ToString();
    }

    private static void Append(StringBuilder text, string[] cells, string separator = " | ") =>
        text.Append(separator.TrimStart()).AppendJoin(separator, cells).Append(separator.TrimEnd()).Append('\n');
}
