using System.Text;

/// <summary>Columns as Istio's command line prints them: as wide as their widest cell, five blanks between them. Owned by one caller.</summary>
internal sealed class TextTable(params string[] headings)
{
    private const int Gap = 5;
    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row.</summary>
    public void Add(params string[] cells) => _rows.Add(cells);

    /// <inheritdoc/>
    public override string ToString()
    {
        var rows = _rows.Prepend(headings).ToList();
        var widths = headings.Select((_, column) => rows.Max(row => row[column].Length) + Gap).ToArray();
        var text = new StringBuilder();
        foreach (var row in rows)
            text.Append(string.Concat(row.Select((cell, column) => column == row.Length - 1 ? cell : cell.PadRight(widths[column]))).TrimEnd()).Append('\n');
        return text.ToString();
    }
}
