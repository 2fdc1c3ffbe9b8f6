namespace Lateen.EmbeddedCluster.Schemas;

/// <summary>
/// Reads the text form of the built-in types. A line at the margin begins a type ("Name [kind] [atomic]"), an indented one is a
/// field of it: "name[#n[.n]][!] [*]type [keys(a,b)] [set] [merge(key)] [merge] [retainkeys] [atomic] [enum(A|B)] [-- words]". The
/// numbers are the field's in the protobuf form; two of them where JSON leaves out a level.
/// </summary>
internal sealed class TypeText(Func<string, TypeSchema> resolve)
{
    private static readonly Dictionary<string, TypeSchema> Scalars = new()
    {
        ["string"] = new(SchemaKind.String), ["bytes"] = new(SchemaKind.Bytes), ["boolean"] = new(SchemaKind.Boolean),
        ["int32"] = new(SchemaKind.Int32), ["int64"] = new(SchemaKind.Int64), ["double"] = new(SchemaKind.Double),
        ["quantity"] = new(SchemaKind.Quantity), ["time"] = new(SchemaKind.Time), ["microtime"] = new(SchemaKind.MicroTime),
        ["intorstring"] = new(SchemaKind.IntOrString), ["any"] = TypeSchema.AnyValue,
        ["object"] = new(SchemaKind.Any) { KeepsUnknown = true },
    };

    /// <summary>The types that a text begins, without their fields.</summary>
    public static IEnumerable<TypeSchema> Declare(string package, string text)
    {
        foreach (var line in Lines(text))
        {
            if (line[0] == ' ') continue;
            var (words, description) = Split(line);
            yield return new TypeSchema(SchemaKind.Object)
            {
                Name = $"{package}.{words[0]}", Fields = [], IsKind = words.Contains("kind"), AtomicMap = words.Contains("atomic"), Description = description,
            };
        }
    }

    /// <summary>Fills in the fields of the types declared by the same text.</summary>
    public void Define(string package, string text)
    {
        TypeSchema? current = null;
        foreach (var line in Lines(text))
        {
            if (line[0] != ' ')
            {
                current = resolve($"{package}.{Split(line).Words[0]}");
                continue;
            }
            var field = ReadField(package, line);
            current!.Fields.Add(field.Name, field);
        }
    }

    private FieldSchema ReadField(string package, string line)
    {
        var (words, description) = Split(line.TrimStart());
        var head = words[0].TrimEnd('!').Split('#');
        var name = head[0];
        var keepsZero = words[1].StartsWith('*');
        if (keepsZero) words[1] = words[1][1..];
        var isMap = words[1] == "map";
        var typeName = isMap ? words[2] : words[1];
        var marks = words[(isMap ? 3 : 2)..];
        return new FieldSchema(name, isMap ? new TypeSchema(SchemaKind.Map) { Element = Named(package, typeName, []) } : Named(package, typeName, marks))
        {
            Numbers = head.Length == 1 ? [] : [.. head[1].Split('.').Select(int.Parse)], KeepsZero = keepsZero,
            Required = words[0].EndsWith('!'), RetainKeys = marks.Contains("retainkeys"), Description = description,
        };
    }

    private TypeSchema Named(string package, string name, string[] marks)
    {
        if (name.StartsWith("[]", StringComparison.Ordinal))
            return new TypeSchema(SchemaKind.Array)
            {
                Element = Named(package, name[2..], []),
                ListType = Argument(marks, "keys") is not null ? ListType.Map : marks.Contains("set") ? ListType.Set : ListType.Atomic,
                ListKeys = Argument(marks, "keys")?.Split(',') ?? [],
                MergeKey = Argument(marks, "merge"),
                MergesValues = marks.Contains("merge") || Argument(marks, "merge") is not null,
            };
        if (Scalars.TryGetValue(name, out var scalar))
            return Argument(marks, "enum") is { } allowed ? new TypeSchema(scalar.Kind) { Allowed = allowed.Split('|') } : scalar;
        var type = resolve(name.Contains('.') ? name : $"{package}.{name}");
        return marks.Contains("atomic") && !type.AtomicMap
            ? new TypeSchema(SchemaKind.Object) { Name = type.Name, Fields = type.Fields, AtomicMap = true, Description = type.Description }
            : type;
    }

    private static string? Argument(string[] marks, string mark) => marks
        .Where(text => text.StartsWith(mark + "(", StringComparison.Ordinal)).Select(text => text[(mark.Length + 1)..^1]).FirstOrDefault();

    private static (string[] Words, string? Description) Split(string line)
    {
        var cut = line.IndexOf(" -- ", StringComparison.Ordinal);
        return ((cut < 0 ? line : line[..cut]).Split(' ', StringSplitOptions.RemoveEmptyEntries), cut < 0 ? null : line[(cut + 4)..]);
    }

    private static IEnumerable<string> Lines(string text) => text.Split('\n').Where(line => line.Length > 0 && line[0] != '#');
}
