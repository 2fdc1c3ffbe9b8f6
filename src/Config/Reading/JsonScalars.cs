using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Lateen.Config.Reading;

/// <summary>
/// Scalars of JSON as Go's old jsonpb reads them, which Istio still uses: numbers in quotes are numbers, whole floats are
/// integers, enum names are strict but enum numbers are not.
/// </summary>
internal static class JsonScalars
{
    /// <summary>The boxed value that protobuf's reflection takes for a field, or an error.</summary>
    public static object? Read(FieldDescriptor field, JsonNode? node, out string? error)
    {
        error = null;
        var kind = node?.GetValueKind() ?? JsonValueKind.Null;
        switch (field.FieldType)
        {
            case FieldType.Bool:
                if (kind is JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null) return kind == JsonValueKind.True;
                return Mismatch(kind, "bool", out error);
            case FieldType.String:
                if (kind == JsonValueKind.String) return node!.GetValue<string>();
                return kind == JsonValueKind.Null ? "" : Mismatch(kind, "string", out error);
            case FieldType.Bytes:
                return Bytes(node, kind, out error);
            case FieldType.Double or FieldType.Float:
                return Float(field, node, kind, out error);
            case FieldType.Enum:
                return Enum(field, node, kind, out error);
            case FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32:
                return Integer(node, kind, "int32", int.MinValue, int.MaxValue, out error) is { } i ? (int)i : null;
            case FieldType.UInt32 or FieldType.Fixed32:
                return Integer(node, kind, "uint32", 0, uint.MaxValue, out error) is { } u ? (uint)u : null;
            case FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64:
                return Integer(node, kind, "int64", long.MinValue, long.MaxValue, out error) is { } l ? (long)l : null;
            case FieldType.UInt64 or FieldType.Fixed64:
                return Integer(node, kind, "uint64", 0, ulong.MaxValue, out error) is { } ul ? (ulong)ul : null;
            default:
                error = $"fields of type {field.FieldType} cannot be read";
                return null;
        }
    }

    /// <summary>What JSON calls a value of this kind, in Go's words.</summary>
    public static string NameOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.Number => "number",
        JsonValueKind.True or JsonValueKind.False => "bool",
        _ => "null",
    };

    public static object? Mismatch(JsonValueKind kind, string wanted, out string? error)
    {
        error = $"cannot unmarshal {NameOf(kind)} into a value of type {wanted}";
        return null;
    }

    private static object? Enum(FieldDescriptor field, JsonNode? node, JsonValueKind kind, out string? error)
    {
        error = null;
        if (kind == JsonValueKind.String)
        {
            var name = node!.GetValue<string>();
            if (field.EnumType.FindValueByName(name) is { } value) return value.Number;
            error = $"unknown value {GoText.Quote(name)} for enum {field.EnumType.FullName}";
            return null;
        }
        return Integer(node, kind, field.EnumType.FullName, int.MinValue, int.MaxValue, out error) is { } number ? (int)number : null;
    }

    private static Int128? Integer(JsonNode? node, JsonValueKind kind, string type, Int128 least, Int128 most, out string? error)
    {
        error = null;
        if (kind == JsonValueKind.Null) return 0;
        if (kind is not (JsonValueKind.Number or JsonValueKind.String))
        {
            Mismatch(kind, type, out error);
            return null;
        }
        var text = kind == JsonValueKind.String ? node!.GetValue<string>() : node!.ToJsonString();
        if (Int128.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && !text.StartsWith('+'))
        {
            if (number >= least && number <= most) return number;
        }
        else if (kind == JsonValueKind.Number && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real)
            && real == Math.Truncate(real) && Math.Abs(real) < 1e21 && (Int128)real >= least && (Int128)real <= most)
        {
            return (Int128)real;
        }
        else if (text == "null")
        {
            return 0;
        }
        error = $"cannot unmarshal {NameOf(kind)} {text} into a value of type {type}";
        return null;
    }

    private static object? Float(FieldDescriptor field, JsonNode? node, JsonValueKind kind, out string? error)
    {
        error = null;
        double value = 0;
        if (kind == JsonValueKind.String)
        {
            var text = node!.GetValue<string>();
            var special = text switch
            {
                "NaN" => double.NaN,
                "Infinity" => double.PositiveInfinity,
                "-Infinity" => double.NegativeInfinity,
                _ => 0,
            };
            if (special != 0) value = special;
            else if (!double.TryParse(text, NumberStyles.Float & ~NumberStyles.AllowLeadingWhite & ~NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out value) || !char.IsAsciiDigit(text[^1]))
                return Mismatch(kind, "float64", out error);
        }
        else if (kind == JsonValueKind.Number)
        {
            value = double.Parse(node!.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture);
        }
        else if (kind != JsonValueKind.Null)
        {
            return Mismatch(kind, "float64", out error);
        }
        return field.FieldType == FieldType.Float ? (float)value : value;
    }

    private static object? Bytes(JsonNode? node, JsonValueKind kind, out string? error)
    {
        error = null;
        if (kind == JsonValueKind.Null) return ByteString.Empty;
        if (kind != JsonValueKind.String) return Mismatch(kind, "[]byte", out error);
        try
        {
            return ByteString.FromBase64(node!.GetValue<string>());
        }
        catch (FormatException)
        {
            error = "illegal base64 data";
            return null;
        }
    }
}
