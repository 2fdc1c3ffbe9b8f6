using System.Reflection;

namespace Lateen.EmbeddedCluster.Schemas;

/// <summary>The built-in types, read once from the texts of the Types folder. Immutable.</summary>
internal sealed class TypeCatalog
{
    private const string Prefix = "Types.";
    private const string Suffix = ".types";

    private readonly Dictionary<string, TypeSchema> _types = [];

    private TypeCatalog()
    {
        var assembly = typeof(TypeCatalog).Assembly;
        var texts = assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal))
            .ToDictionary(name => name[Prefix.Length..^Suffix.Length], name => ReadText(assembly, name));
        foreach (var (package, text) in texts)
            foreach (var type in TypeText.Declare(package, text))
                _types.Add(type.Name!, type);
        var reader = new TypeText(name => _types.TryGetValue(name, out var type) ? type : throw new InvalidDataException($"no type {name}"));
        foreach (var (package, text) in texts) reader.Define(package, text);
    }

    /// <summary>The catalogue of this program.</summary>
    public static TypeCatalog Instance { get; } = new();

    /// <summary>Every type by its full name ("core.v1.Pod").</summary>
    public IReadOnlyDictionary<string, TypeSchema> All => _types;

    /// <summary>A type that is known to exist.</summary>
    public TypeSchema this[string name] => _types[name];

    private static string ReadText(Assembly assembly, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
