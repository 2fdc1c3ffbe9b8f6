using System.Text;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Buffers;

namespace Lateen.Proxy.AccessLogs;

/// <summary>A line of JSON, nested as configured, its keys sorted as Envoy sorts them; what has no value is null. Immutable.</summary>
internal sealed class JsonFormat : LogFormat
{
    private readonly Node _root;
    private readonly bool _omitsEmpty;
    [ThreadStatic] private static ByteBuilder? _value;

    /// <summary>Compiles it; fields without a value are left out when asked.</summary>
    public JsonFormat(Struct format, string path, bool omitsEmpty = false) => (_root, _omitsEmpty) = (Compile(Value.ForStruct(format), path), omitsEmpty);

    private sealed record Node(FormatString? Leaf, byte[]? Literal, (byte[] Key, Node Value)[]? Fields, Node[]? Items);

    public override void Write(ByteBuilder output, in FormatContext context)
    {
        Write(_root, output, context);
        output.Append((byte)'\n');
    }

    private static Node Compile(Value value, string path) => value.KindCase switch
    {
        Value.KindOneofCase.StructValue => new Node(null, null,
            [.. value.StructValue.Fields.OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => (Quote(field.Key), Compile(field.Value, $"{path}.{field.Key}")))], null),
        Value.KindOneofCase.ListValue => new Node(null, null, null, [.. value.ListValue.Values.Select((item, i) => Compile(item, $"{path}[{i}]"))]),
        Value.KindOneofCase.StringValue => new Node(FormatString.Compile(value.StringValue, path), null, null, null),
        Value.KindOneofCase.NumberValue => new Node(null, Encoding.ASCII.GetBytes(JsonSerializer.Serialize(value.NumberValue, NumberJson.Default.Double)), null, null),
        Value.KindOneofCase.BoolValue => new Node(null, value.BoolValue ? "true"u8.ToArray() : "false"u8.ToArray(), null, null),
        _ => new Node(null, "null"u8.ToArray(), null, null),
    };

    private void Write(Node node, ByteBuilder output, in FormatContext context)
    {
        if (node.Literal is { } literal) output.Append(literal);
        else if (node.Fields is { } fields)
        {
            output.Append((byte)'{');
            var isFirst = true;
            foreach (var (key, value) in fields)
            {
                var before = output.Length;
                if (!isFirst) output.Append((byte)',');
                output.Append(key);
                output.Append((byte)':');
                var start = output.Length;
                Write(value, output, context);
                if (_omitsEmpty && output.Span[start..].SequenceEqual("null"u8)) output.Truncate(before);
                else isFirst = false;
            }
            output.Append((byte)'}');
        }
        else if (node.Items is { } items)
        {
            output.Append((byte)'[');
            for (var i = 0; i < items.Length; i++)
            {
                if (i > 0) output.Append((byte)',');
                Write(items[i], output, context);
            }
            output.Append((byte)']');
        }
        else WriteLeaf(node.Leaf!, output, context);
    }

    private static void WriteLeaf(FormatString leaf, ByteBuilder output, in FormatContext context)
    {
        var value = _value ??= new ByteBuilder();
        value.Clear();
        leaf.Write(value, context, "-"u8);
        if (value.Span.SequenceEqual("-"u8)) output.Append("null"u8);
        else if (leaf.IsNumber) output.Append(value.Span);
        else
        {
            output.Append((byte)'"');
            foreach (var b in value.Span)
            {
                if (b is (byte)'"' or (byte)'\\') output.Append((byte)'\\');
                if (b >= 0x20) output.Append(b);
            }
            output.Append((byte)'"');
        }
    }

    private static byte[] Quote(string text) => JsonEncodedText.Encode(text).EncodedUtf8Bytes.ToArray() is var inner ? [(byte)'"', .. inner, (byte)'"'] : [];
}

[System.Text.Json.Serialization.JsonSerializable(typeof(double))]
internal sealed partial class NumberJson : System.Text.Json.Serialization.JsonSerializerContext;
