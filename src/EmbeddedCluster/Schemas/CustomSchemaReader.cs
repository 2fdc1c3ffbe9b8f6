using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lateen.EmbeddedCluster.Schemas.Expressions;

namespace Lateen.EmbeddedCluster.Schemas;

/// <summary>Compiles the openAPIV3Schema of a CustomResourceDefinition.</summary>
internal static class CustomSchemaReader
{
    /// <summary>Patterns are run on a time limit where the linear engine cannot take them.</summary>
    private static readonly TimeSpan PatternTime = TimeSpan.FromMilliseconds(250);

    /// <summary>The type of the whole object, metadata and TypeMeta included.</summary>
    /// <param name="schema">The schema, null for a definition without one.</param>
    /// <param name="preserveUnknown">spec.preserveUnknownFields of v1beta1.</param>
    /// <param name="metadata">Type of metadata.</param>
    public static TypeSchema ReadRoot(JsonObject? schema, bool preserveUnknown, TypeSchema metadata)
    {
        var root = schema is null ? new TypeSchema(SchemaKind.Object) { KeepsUnknown = true, Fields = [] } : Read(schema, preserveUnknown);
        var text = new TypeSchema(SchemaKind.String);
        root.Fields["apiVersion"] = new FieldSchema("apiVersion", text);
        root.Fields["kind"] = new FieldSchema("kind", text);
        root.Fields["metadata"] = new FieldSchema("metadata", metadata);
        root.IsKind = true;
        return root;
    }

    public static TypeSchema Read(JsonObject schema, bool preserveUnknown)
    {
        var type = Text(schema, "type");
        var intOrString = Flag(schema, "x-kubernetes-int-or-string");
        var keeps = preserveUnknown || Flag(schema, "x-kubernetes-preserve-unknown-fields");
        var properties = schema["properties"] as JsonObject;
        var values = schema["additionalProperties"] as JsonObject;
        var anyValues = schema["additionalProperties"] is JsonValue flag && flag.TryGetValue<bool>(out var allowed) && allowed;
        var kind = intOrString ? SchemaKind.IntOrString : type switch
        {
            "object" when properties is null && (values is not null || anyValues) => SchemaKind.Map,
            "object" => SchemaKind.Object,
            "array" => SchemaKind.Array,
            "string" => Text(schema, "format") == "byte" ? SchemaKind.Bytes : SchemaKind.String,
            "integer" => Text(schema, "format") == "int32" ? SchemaKind.Int32 : SchemaKind.Int64,
            "number" => SchemaKind.Double,
            "boolean" => SchemaKind.Boolean,
            _ => SchemaKind.Any,
        };
        var element = kind switch
        {
            SchemaKind.Map => values is null ? TypeSchema.AnyValue : Read(values, preserveUnknown),
            SchemaKind.Array => schema["items"] is JsonObject items ? Read(items, preserveUnknown) : TypeSchema.AnyValue,
            _ => null,
        };
        var result = new TypeSchema(kind)
        {
            Element = element,
            KeepsUnknown = keeps,
            Embedded = Flag(schema, "x-kubernetes-embedded-resource"),
            Nullable = Flag(schema, "nullable"),
            Default = schema["default"]?.DeepClone(),
            Description = Text(schema, "description"),
            AtomicMap = Text(schema, "x-kubernetes-map-type") == "atomic",
            ListType = Text(schema, "x-kubernetes-list-type") switch { "map" => ListType.Map, "set" => ListType.Set, _ => ListType.Atomic },
            ListKeys = (schema["x-kubernetes-list-map-keys"] as JsonArray)?.Select(key => (string)key!).ToArray() ?? [],
            Rules = ReadRules(schema),
            Fields = [],
        };
        if (properties is not null)
            foreach (var (name, property) in properties)
                if (property is JsonObject shape)
                    result.Fields[name] = new FieldSchema(name, Read(shape, preserveUnknown)) { Description = Text(shape, "description") };
        return result;
    }

    /// <summary>Value checks of one node; children only below a junctor, the structure itself carries the others.</summary>
    private static ValueRules ReadRules(JsonObject schema, bool withChildren = false)
    {
        var pattern = Text(schema, "pattern");
        return new ValueRules
        {
            Type = Text(schema, "type"),
            Nullable = Flag(schema, "nullable"),
            IntOrString = Flag(schema, "x-kubernetes-int-or-string"),
            Enum = (schema["enum"] as JsonArray)?.Where(value => value is not null).Select(value => value!.DeepClone()).ToArray(),
            PatternText = pattern,
            Pattern = pattern is null ? null : CompilePattern(pattern),
            Format = Text(schema, "format"),
            MinLength = Whole(schema, "minLength"),
            MaxLength = Whole(schema, "maxLength"),
            Minimum = Number(schema, "minimum"),
            ExclusiveMinimum = Flag(schema, "exclusiveMinimum"),
            Maximum = Number(schema, "maximum"),
            ExclusiveMaximum = Flag(schema, "exclusiveMaximum"),
            MultipleOf = Number(schema, "multipleOf"),
            MinItems = Whole(schema, "minItems"),
            MaxItems = Whole(schema, "maxItems"),
            UniqueItems = Flag(schema, "uniqueItems"),
            MinProperties = Whole(schema, "minProperties"),
            MaxProperties = Whole(schema, "maxProperties"),
            Required = (schema["required"] as JsonArray)?.Select(name => (string)name!).ToArray() ?? [],
            AllOf = Branches(schema, "allOf"),
            AnyOf = Branches(schema, "anyOf"),
            OneOf = Branches(schema, "oneOf"),
            Not = schema["not"] is JsonObject not ? ReadRules(not, true) : null,
            Expressions = ReadExpressions(schema),
            Properties = withChildren && schema["properties"] is JsonObject properties
                ? properties.Where(pair => pair.Value is JsonObject).ToDictionary(pair => pair.Key, pair => ReadRules((JsonObject)pair.Value!, true)) : null,
            Items = withChildren && schema["items"] is JsonObject items ? ReadRules(items, true) : null,
            AdditionalProperties = withChildren && schema["additionalProperties"] is JsonObject values ? ReadRules(values, true) : null,
        };
    }

    /// <summary>A pattern as the cluster runs it: without backtracking where possible.</summary>
    /// <exception cref="ArgumentException">The pattern is not a regular expression.</exception>
    public static Regex CompilePattern(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (NotSupportedException)
        {
            return new Regex(pattern, RegexOptions.CultureInvariant, PatternTime);
        }
    }

    private static CompiledRule[] ReadExpressions(JsonObject schema) => (schema["x-kubernetes-validations"] as JsonArray)?.OfType<JsonObject>()
        .Select(rule => new CompiledRule(Text(rule, "rule") ?? "", Text(rule, "message"), Text(rule, "messageExpression"), Text(rule, "reason"), Text(rule, "fieldPath"))).ToArray() ?? [];

    private static ValueRules[] Branches(JsonObject schema, string name) =>
        (schema[name] as JsonArray)?.OfType<JsonObject>().Select(branch => ReadRules(branch, true)).ToArray() ?? [];

    private static string? Text(JsonObject schema, string name) => schema[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static bool Flag(JsonObject schema, string name) => schema[name] is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;

    private static long? Whole(JsonObject schema, string name) => schema[name] is JsonValue value && value.TryGetValue<long>(out var number) ? number : null;

    private static double? Number(JsonObject schema, string name) =>
        schema[name] is not JsonValue value ? null : value.TryGetValue<long>(out var whole) ? whole : value.TryGetValue<double>(out var number) ? number : null;
}
