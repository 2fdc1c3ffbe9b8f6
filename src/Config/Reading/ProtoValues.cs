using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf.WellKnownTypes;

namespace Lateen.Config.Reading;

/// <summary>Between JSON trees and protobuf's own dynamic values.</summary>
public static class ProtoValues
{
    /// <summary>A tree as google.protobuf.Value.</summary>
    public static Value ToValue(JsonNode? node)
    {
        switch (node)
        {
            case null:
                return Value.ForNull();
            case JsonObject tree:
                var fields = new Struct();
                foreach (var (name, child) in tree) fields.Fields[name] = ToValue(child);
                return Value.ForStruct(fields);
            case JsonArray items:
                return Value.ForList([.. items.Select(ToValue)]);
        }
        return node.GetValueKind() switch
        {
            JsonValueKind.String => Value.ForString(node.GetValue<string>()),
            JsonValueKind.True => Value.ForBool(true),
            JsonValueKind.False => Value.ForBool(false),
            JsonValueKind.Number => Value.ForNumber(double.Parse(node.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture)),
            _ => Value.ForNull(),
        };
    }

    /// <summary>A google.protobuf.Value as tree; whole numbers come out as integers.</summary>
    public static JsonNode? ToJson(Value value) => value.KindCase switch
    {
        Value.KindOneofCase.StructValue => ToJson(value.StructValue),
        Value.KindOneofCase.ListValue => new JsonArray([.. value.ListValue.Values.Select(ToJson)]),
        Value.KindOneofCase.StringValue => JsonValue.Create(value.StringValue),
        Value.KindOneofCase.BoolValue => JsonValue.Create(value.BoolValue),
        Value.KindOneofCase.NumberValue when value.NumberValue == Math.Truncate(value.NumberValue) && Math.Abs(value.NumberValue) < 1e15 =>
            JsonValue.Create((long)value.NumberValue),
        Value.KindOneofCase.NumberValue => JsonValue.Create(value.NumberValue),
        _ => null,
    };

    /// <summary>A google.protobuf.Struct as tree.</summary>
    public static JsonObject ToJson(Struct fields)
    {
        var tree = new JsonObject();
        foreach (var (name, value) in fields.Fields) tree[name] = ToJson(value);
        return tree;
    }
}
