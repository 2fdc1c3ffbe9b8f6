using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Discovery;

/// <summary>Writes types as OpenAPI schemas and gathers the named ones that they use. Used for one document.</summary>
/// <param name="prefix">Where named schemas stand: "#/definitions/" (v2) or "#/components/schemas/" (v3).</param>
/// <param name="wrapReferences">A reference stands below allOf, so that it may have siblings (v3).</param>
internal sealed class OpenApiTypes(string prefix, bool wrapReferences)
{
    private readonly Dictionary<string, JsonObject> _named = [];

    /// <summary>The named schemas so far, by full name.</summary>
    public JsonObject Named => new(_named.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key, pair.Value)));

    /// <summary>Adds the type of a served kind; returns a reference to it.</summary>
    public JsonObject AddKind(ServedResource resource)
    {
        var name = KindName(resource);
        var gvk = new JsonObject { ["group"] = resource.Group, ["kind"] = resource.Kind.Kind, ["version"] = resource.Version };
        if (!_named.ContainsKey(name))
        {
            _named[name] = [];
            _named[name] = Structure(resource.Schema);
        }
        var schema = _named[name];
        if (schema["x-kubernetes-group-version-kind"] is not JsonArray kinds) schema["x-kubernetes-group-version-kind"] = kinds = [];
        if (!kinds.Any(known => JsonNode.DeepEquals(known, gvk))) kinds.Add((JsonNode)gvk);
        return new JsonObject { ["$ref"] = prefix + name };
    }

    /// <summary>Full name of a built-in type, as Kubernetes names its Go packages.</summary>
    public static string FullName(string name) => name.Split('.') switch
    {
        ["meta", var version, var type] => $"io.k8s.apimachinery.pkg.apis.meta.{version}.{type}",
        ["apiextensions", var version, var type] => $"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.{version}.{type}",
        _ => "io.k8s.api." + name,
    };

    private static string KindName(ServedResource resource) => resource.Schema.Name is { } name ? FullName(name)
        : $"{string.Join('.', resource.Group.Split('.').Reverse())}.{resource.Version}.{resource.Kind.Kind}";

    private JsonObject Schema(TypeSchema type)
    {
        switch (type.Kind)
        {
            case SchemaKind.Quantity: return Scalar("io.k8s.apimachinery.pkg.api.resource.Quantity", new JsonObject
            {
                ["description"] = "A number with an SI, binary or exponent suffix, such as 100m or 2Gi.", ["type"] = "string",
            });
            case SchemaKind.Time: return Scalar("io.k8s.apimachinery.pkg.apis.meta.v1.Time", new JsonObject { ["description"] = "A time of RFC 3339.", ["type"] = "string", ["format"] = "date-time" });
            case SchemaKind.MicroTime:
                return Scalar("io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime", new JsonObject { ["description"] = "A time of RFC 3339 with microseconds.", ["type"] = "string", ["format"] = "date-time" });
            case SchemaKind.IntOrString:
                return Scalar("io.k8s.apimachinery.pkg.util.intstr.IntOrString", new JsonObject { ["description"] = "A number, or a text such as a percentage or a port's name.", ["type"] = "string", ["format"] = "int-or-string" });
            case SchemaKind.Object when type.Name is { } name:
                var full = FullName(name);
                if (!_named.ContainsKey(full))
                {
                    // The name is taken before the fields are written: types may contain themselves.
                    _named[full] = [];
                    _named[full] = Structure(type);
                }
                return new JsonObject { ["$ref"] = prefix + full };
            default: return Structure(type);
        }
    }

    private JsonObject Scalar(string name, JsonObject schema)
    {
        _named.TryAdd(name, schema);
        return new JsonObject { ["$ref"] = prefix + name };
    }

    private JsonObject Structure(TypeSchema type)
    {
        var schema = new JsonObject();
        if (type.Description is { } words) schema["description"] = words;
        var (name, format) = type.Kind switch
        {
            SchemaKind.Object or SchemaKind.Map => ("object", null),
            SchemaKind.Array => ("array", null),
            SchemaKind.String => ("string", null),
            SchemaKind.Bytes => ("string", "byte"),
            SchemaKind.Int32 => ("integer", "int32"),
            SchemaKind.Int64 => ("integer", "int64"),
            SchemaKind.Double => ("number", "double"),
            SchemaKind.Boolean => ("boolean", null),
            _ => (type.KeepsUnknown ? "object" : null, (string?)null),
        };
        if (name is not null) schema["type"] = name;
        if (format is not null) schema["format"] = format;
        if (type.Allowed is { } allowed) schema["enum"] = allowed.ToJsonArray();
        else if (type.Rules?.Enum is { } values) schema["enum"] = new JsonArray([.. values.Select(value => value.DeepClone())]);
        if (type.Default is { } initial && wrapReferences) schema["default"] = initial.DeepClone();
        if (type.Kind == SchemaKind.Map) schema["additionalProperties"] = Schema(type.Element!);
        if (type.Kind == SchemaKind.Array) AddList(schema, type);
        if (type.Fields.Count > 0) AddFields(schema, type);
        if (type.AtomicMap) schema["x-kubernetes-map-type"] = "atomic";
        if (type.KeepsUnknown && type.Fields.Count > 0) schema["x-kubernetes-preserve-unknown-fields"] = true;
        return schema;
    }

    private void AddList(JsonObject schema, TypeSchema type)
    {
        schema["items"] = Schema(type.Element!);
        schema["x-kubernetes-list-type"] = type.ListType switch { ListType.Map => "map", ListType.Set => "set", _ => "atomic" };
        if (type.ListKeys.Length > 0) schema["x-kubernetes-list-map-keys"] = type.ListKeys.ToJsonArray();
        if (type.MergeKey is { } key) schema["x-kubernetes-patch-merge-key"] = key;
        if (type.MergesValues) schema["x-kubernetes-patch-strategy"] = "merge";
    }

    private void AddFields(JsonObject schema, TypeSchema type)
    {
        var properties = new JsonObject();
        foreach (var field in type.Fields.Values)
        {
            var property = Schema(field.Type);
            if (property["$ref"] is { } reference && wrapReferences)
            {
                property.Remove("$ref");
                property["allOf"] = new JsonArray(new JsonObject { ["$ref"] = reference.DeepClone() });
                if (field.Type.Kind == SchemaKind.Object && field.Required) property["default"] = new JsonObject();
            }
            if (field.Description is { } words) property["description"] = words;
            if (field.RetainKeys) property["x-kubernetes-patch-strategy"] = field.Type.MergesValues ? "merge,retainKeys" : "retainKeys";
            properties[field.Name] = property;
        }
        schema["properties"] = properties;
        var required = type.Fields.Values.Where(field => field.Required).Select(field => field.Name).Concat(type.Rules?.Required ?? []).Distinct().ToJsonArray();
        if (required.Count > 0) schema["required"] = required;
    }
}
