using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Schemas;

/// <summary>The shape of a value.</summary>
internal enum SchemaKind
{
    /// <summary>Anything at all.</summary>
    Any,
    Object,
    Map,
    Array,
    String,

    /// <summary>Base64 text.</summary>
    Bytes,
    Int32,
    Int64,
    Double,
    Boolean,

    /// <summary>A number with a unit, as text: "100m".</summary>
    Quantity,
    Time,
    MicroTime,
    IntOrString,
}

/// <summary>How two versions of a list merge (x-kubernetes-list-type).</summary>
internal enum ListType
{
    Atomic,
    Set,
    Map,
}

/// <summary>One named field of an object.</summary>
internal sealed record FieldSchema(string Name, TypeSchema Type)
{
    public bool Required { get; init; }

    /// <summary>Numbers on the way to the field in the protobuf form, empty when it is not part of it.</summary>
    public int[] Numbers { get; init; } = [];

    /// <summary>An empty text, zero or false means something else than an absent field.</summary>
    public bool KeepsZero { get; init; }

    /// <summary>Patch strategy retainKeys: a strategic patch's $retainKeys is honoured.</summary>
    public bool RetainKeys { get; init; }

    public string? Description { get; init; }
}

/// <summary>
/// The type of a value, for the built-in kinds (from the Types folder) and for custom resources (from their structural schemas)
/// alike: what decoding, defaulting, merging, server-side apply and OpenAPI walk along. Immutable once built.
/// </summary>
internal sealed class TypeSchema(SchemaKind kind)
{
    private static readonly Dictionary<string, FieldSchema> NoFields = [];

    /// <summary>The type of anything. Below the fields that its making needs.</summary>
    public static readonly TypeSchema AnyValue = new(SchemaKind.Any);

    public SchemaKind Kind { get; } = kind;

    /// <summary>Full name of a built-in type, such as "core.v1.Container"; null for anonymous ones.</summary>
    public string? Name { get; init; }

    /// <summary>Fields of an object, by name.</summary>
    public Dictionary<string, FieldSchema> Fields { get; set; } = NoFields;

    /// <summary>Type of a list's items or a map's values.</summary>
    public TypeSchema? Element { get; init; }

    public ListType ListType { get; init; }

    /// <summary>Keys of a list of type Map.</summary>
    public string[] ListKeys { get; init; } = [];

    /// <summary>Key by which strategic merge matches items; null where lists of objects are replaced.</summary>
    public string? MergeKey { get; init; }

    /// <summary>A strategic patch adds to a list of plain values instead of replacing it.</summary>
    public bool MergesValues { get; init; }

    /// <summary>An object or map that is owned and replaced as one (x-kubernetes-map-type: atomic).</summary>
    public bool AtomicMap { get; set; }

    /// <summary>The values allowed for a string, null for any.</summary>
    public string[]? Allowed { get; init; }

    public string? Description { get; set; }

    /// <summary>A kind with TypeMeta, not a part of one.</summary>
    public bool IsKind { get; set; }

    /// <summary>Fields that no schema names are kept (x-kubernetes-preserve-unknown-fields).</summary>
    public bool KeepsUnknown { get; init; }

    /// <summary>A whole object with apiVersion, kind and metadata of its own (x-kubernetes-embedded-resource).</summary>
    public bool Embedded { get; init; }

    public bool Nullable { get; init; }

    /// <summary>Default of the value, null for none.</summary>
    public JsonNode? Default { get; init; }

    /// <summary>Value checks of a custom resource's schema, null for none.</summary>
    public ValueRules? Rules { get; init; }

    /// <summary>The name that Go, and so Kubernetes' error texts, give the type.</summary>
    public string GoName => Kind switch
    {
        SchemaKind.Int32 => "int32",
        SchemaKind.Int64 => "int64",
        SchemaKind.Double => "float64",
        SchemaKind.Boolean => "bool",
        SchemaKind.Array => "[]" + (Element?.QualifiedGoName ?? "interface {}"),
        SchemaKind.Map => "map[string]" + (Element?.QualifiedGoName ?? "interface {}"),
        SchemaKind.Bytes => "[]uint8",
        SchemaKind.Object => QualifiedGoName,
        _ => "string",
    };

    /// <summary>Last segment of the name.</summary>
    public string ShortName => Name is null ? "" : Name[(Name.LastIndexOf('.') + 1)..];

    private string QualifiedGoName => Name is null ? GoName : "v1." + ShortName;
}
