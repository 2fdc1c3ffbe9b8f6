using System.Text;

namespace Lateen.EmbeddedCluster.Node.Containers;

/// <summary>The mounts that a thread sees, as /proc/thread-self/mountinfo lists them (proc(5)).</summary>
internal static class MountTable
{
    /// <summary>Mount points in the order in which they were mounted, each once.</summary>
    public static IReadOnlyList<string> ReadMountPoints()
    {
        var points = new List<string>();
        foreach (var line in File.ReadLines("/proc/thread-self/mountinfo"))
        {
            var fields = line.Split(' ');
            if (fields.Length > 4) points.Add(Unescape(fields[4]));
        }
        return [.. points.Distinct(StringComparer.Ordinal)];
    }

    // Blank, tab, newline and backslash are written as \ and three octal digits.
    private static string Unescape(string field)
    {
        if (!field.Contains('\\')) return field;
        var text = new StringBuilder();
        for (var i = 0; i < field.Length; i++)
        {
            if (field[i] == '\\' && i + 3 < field.Length)
            {
                text.Append((char)Convert.ToInt32(field.Substring(i + 1, 3), 8));
                i += 3;
            }
            else text.Append(field[i]);
        }
        return text.ToString();
    }
}
