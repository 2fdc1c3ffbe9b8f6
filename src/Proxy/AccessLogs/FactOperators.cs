using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Connections;

namespace Lateen.Proxy.AccessLogs;

/// <summary>
/// The operators that show dynamic metadata and filter state. Source: Envoy's "Access logging", %DYNAMIC_METADATA(NAMESPACE:KEY*):Z% and
/// %FILTER_STATE(KEY:F:FIELD?):Z%.
/// </summary>
internal static class FactOperators
{
    public static FormatString.Operator Metadata(string argument)
    {
        var parts = argument.Split(':');
        var (name, path) = (parts[0], parts[1..]);
        return (ByteBuilder output, in FormatContext context) => context.Info.Metadata.Find(name, path) is { } value && Write(output, value);
    }

    /// <summary>KIND:NAMESPACE:KEY*, of the stream (DYNAMIC) or of its cluster (CLUSTER, what Istio says of it).</summary>
    public static FormatString.Operator AnyMetadata(string argument, string path)
    {
        var parts = argument.Split(':');
        if (parts is ["DYNAMIC", ..]) return Metadata(string.Join(':', parts[1..]));
        if (parts is not ["CLUSTER", "istio", ..]) throw new Compile.ConfigRefusedException(path, $"metadata of {argument} is not kept");
        var keys = parts[2..];
        return (ByteBuilder output, in FormatContext context) => context.Info.ClusterFacts is { } facts && DynamicMetadata.Walk(facts, keys) is { } value && Write(output, value);
    }

    public static FormatString.Operator State(string argument)
    {
        var key = argument.Split(':')[0];
        var isPlain = argument.Split(':') is [_, "PLAIN", ..];
        return (ByteBuilder output, in FormatContext context) =>
        {
            if (context.Info.FilterState.Find(key)?.ToString() is not { } text) return false;
            // Without PLAIN the value is written as JSON has it.
            output.Append(isPlain ? text : JsonValue.Create(text)!.ToJsonString());
            return true;
        };
    }

    /// <summary>A text as it is, everything else as JSON.</summary>
    private static bool Write(ByteBuilder output, Value value)
    {
        if (value.KindCase == Value.KindOneofCase.StringValue) output.Append(value.StringValue);
        else output.Append(ToJson(value)?.ToJsonString() ?? "null");
        return true;
    }

    private static JsonNode? ToJson(Value value) => value.KindCase switch
    {
        Value.KindOneofCase.StringValue => JsonValue.Create(value.StringValue),
        Value.KindOneofCase.BoolValue => JsonValue.Create(value.BoolValue),
        Value.KindOneofCase.NumberValue => JsonNode.Parse(double.IsFinite(value.NumberValue) ? value.NumberValue.ToString("R", CultureInfo.InvariantCulture) : "null"),
        Value.KindOneofCase.StructValue => new JsonObject(value.StructValue.Fields.OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => KeyValuePair.Create(field.Key, ToJson(field.Value)))),
        Value.KindOneofCase.ListValue => new JsonArray([.. value.ListValue.Values.Select(ToJson)]),
        _ => null,
    };
}
