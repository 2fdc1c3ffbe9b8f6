using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Schemas;

/// <summary>A value does not fit its field's type; the message is the one that Go's JSON decoder gives.</summary>
internal sealed class DecodeException(string message) : Exception(message);

/// <summary>
/// Brings a received object into the form that a typed Kubernetes object would have after decoding: unknown fields, nulls and empty
/// optional lists dropped, numbers checked. Built-in kinds only; custom resources are pruned by their own schema.
/// </summary>
internal static class ObjectDecoder
{
    /// <summary>Decodes in place.</summary>
    /// <param name="value">The object.</param>
    /// <param name="type">Its type.</param>
    /// <param name="unknown">Takes the path of each field that the type does not have.</param>
    /// <exception cref="DecodeException">A value has the wrong type.</exception>
    public static void Decode(JsonObject value, TypeSchema type, List<string> unknown) => DecodeObject(value, type, "", unknown);

    private static void DecodeObject(JsonObject value, TypeSchema type, string path, List<string> unknown)
    {
        List<string>? dropped = null;
        List<(string Name, JsonNode Value)>? changed = null;
        foreach (var (name, child) in value)
        {
            var childPath = path.Length == 0 ? name : $"{path}.{name}";
            if (!type.Fields.TryGetValue(name, out var field))
            {
                unknown.Add(childPath);
                (dropped ??= []).Add(name);
                continue;
            }
            if (child is null || (!field.Required && IsEmptyCollection(child, field.Type)))
            {
                (dropped ??= []).Add(name);
                continue;
            }
            var decoded = DecodeValue(child, field.Type, childPath, type, unknown);
            if (!field.Required && !field.KeepsZero && IsZero(decoded, field.Type)) (dropped ??= []).Add(name);
            else if (!ReferenceEquals(decoded, child)) (changed ??= []).Add((name, decoded));
        }
        if (dropped is not null) foreach (var name in dropped) value.Remove(name);
        if (changed is not null) foreach (var (name, decoded) in changed) value[name] = decoded;
    }

    private static JsonNode DecodeValue(JsonNode value, TypeSchema type, string path, TypeSchema owner, List<string> unknown)
    {
        switch (type.Kind)
        {
            case SchemaKind.Object:
                DecodeObject(value as JsonObject ?? throw Mismatch(value, type, path, owner), type, path, unknown);
                return value;
            case SchemaKind.Map:
                var map = value as JsonObject ?? throw Mismatch(value, type, path, owner);
                foreach (var (name, child) in map.ToArray())
                {
                    var decoded = child is null ? Zero(type.Element!) : DecodeValue(child, type.Element!, $"{path}.{name}", owner, unknown);
                    if (!ReferenceEquals(decoded, child)) map[name] = decoded;
                }
                return value;
            case SchemaKind.Array:
                var array = value as JsonArray ?? throw Mismatch(value, type, path, owner);
                for (var i = 0; i < array.Count; i++)
                {
                    var decoded = array[i] is not { } item ? Zero(type.Element!) : DecodeValue(item, type.Element!, $"{path}[{i}]", owner, unknown);
                    if (!ReferenceEquals(decoded, array[i])) array[i] = decoded;
                }
                return value;
            default:
                return DecodeScalar(value, type, path, owner);
        }
    }

    private static JsonNode DecodeScalar(JsonNode value, TypeSchema type, string path, TypeSchema owner)
    {
        if (type.Kind == SchemaKind.Any) return value;
        var kind = value.GetValueKind();
        switch (type.Kind)
        {
            case SchemaKind.Boolean when kind is JsonValueKind.True or JsonValueKind.False: return value;
            case SchemaKind.Int32 when kind == JsonValueKind.Number:
                if (value.AsValue().TryGetValue<long>(out var small) && small is >= int.MinValue and <= int.MaxValue) return value;
                break;
            case SchemaKind.Int64 when kind == JsonValueKind.Number:
                if (value.AsValue().TryGetValue<long>(out _)) return value;
                break;
            case SchemaKind.Double when kind == JsonValueKind.Number: return value;
            case SchemaKind.IntOrString when kind is JsonValueKind.Number or JsonValueKind.String: return value;
            case SchemaKind.Quantity when kind == JsonValueKind.Number: return JsonValue.Create(value.ToJsonString());
            case SchemaKind.Quantity when kind == JsonValueKind.String:
                if (Quantity.TryParse(value.GetValue<string>(), out _)) return value;
                throw new DecodeException("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
            case SchemaKind.Time or SchemaKind.MicroTime when kind == JsonValueKind.String:
                var text = value.GetValue<string>();
                if (text.Length == 0) return value;
                if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _)) return value;
                throw new DecodeException($"parsing time {JsonSerializer.Serialize(text)} as \"2006-01-02T15:04:05Z07:00\": cannot parse {JsonSerializer.Serialize(text)} as \"2006\"");
            case SchemaKind.Bytes when kind == JsonValueKind.String:
                if (IsBase64(value.GetValue<string>())) return value;
                throw new DecodeException("illegal base64 data at input byte 0");
            case SchemaKind.String when kind == JsonValueKind.String: return value;
        }
        throw Mismatch(value, type, path, owner);
    }

    private static bool IsBase64(string text) => Convert.TryFromBase64String(text, new byte[text.Length], out _);

    private static bool IsEmptyCollection(JsonNode value, TypeSchema type) =>
        (type.Kind == SchemaKind.Array && value is JsonArray { Count: 0 }) || (type.Kind == SchemaKind.Map && value is JsonObject { Count: 0 });

    private static bool IsZero(JsonNode value, TypeSchema type) => type.Kind switch
    {
        SchemaKind.String or SchemaKind.Time or SchemaKind.MicroTime or SchemaKind.Bytes => value is JsonValue text && text.TryGetValue<string>(out var content) && content.Length == 0,
        SchemaKind.Boolean => value.GetValueKind() == JsonValueKind.False,
        SchemaKind.Int32 or SchemaKind.Int64 => value is JsonValue number && number.TryGetValue<long>(out var whole) && whole == 0,
        _ => false,
    };

    private static JsonNode Zero(TypeSchema type) => type.Kind switch
    {
        SchemaKind.Object or SchemaKind.Map => new JsonObject(),
        SchemaKind.Array => new JsonArray(),
        SchemaKind.Int32 or SchemaKind.Int64 or SchemaKind.Double => JsonValue.Create(0),
        SchemaKind.Boolean => JsonValue.Create(false),
        _ => JsonValue.Create(""),
    };

    private static DecodeException Mismatch(JsonNode value, TypeSchema type, string path, TypeSchema owner)
    {
        var found = value.GetValueKind() switch
        {
            JsonValueKind.Object => "object",
            JsonValueKind.Array => "array",
            JsonValueKind.String => "string",
            JsonValueKind.Number when type.Kind is SchemaKind.Int32 or SchemaKind.Int64 => $"number {value.ToJsonString()}",
            JsonValueKind.Number => "number",
            _ => "bool",
        };
        // A path in Go's message has no list indices.
        var fields = System.Text.RegularExpressions.Regex.Replace(path, @"\[\d+\]", "");
        return new DecodeException($"json: cannot unmarshal {found} into Go struct field {owner.ShortName}.{fields} of type {type.GoName}");
    }
}
