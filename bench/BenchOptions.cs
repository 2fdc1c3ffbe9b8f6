using System.Globalization;

namespace Lateen.Bench;

/// <summary>Flags as <c>--name value</c>. Immutable.</summary>
internal sealed class BenchOptions(Dictionary<string, string> values)
{
    /// <summary>The checkout: results are written there.</summary>
    public static string Root { get; } = FindRoot();

    public static BenchOptions Parse(string[] words)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i + 1 < words.Length; i += 2) values[words[i].TrimStart('-')] = words[i + 1];
        return new BenchOptions(values);
    }

    public int Number(string name, int otherwise) => values.TryGetValue(name, out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    public string? Text(string name) => values.GetValueOrDefault(name);

    /// <summary>Whether a name is in a comma-separated list, or the list is not given.</summary>
    public bool Wants(string list, string name) => !values.TryGetValue(list, out var given) || given.Split(',').Contains(name);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Lateen.slnx"))) folder = folder.Parent ?? throw new InvalidOperationException("The benches run from inside the repository.");
        return folder.FullName;
    }
}
