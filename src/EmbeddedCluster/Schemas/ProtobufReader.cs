using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Schemas;

/// <summary>
/// Reads objects in Kubernetes' protobuf form, which Go clients send for the built-in kinds; answers are always JSON. The form is an
/// envelope (magic "k8s\0", then runtime.Unknown) around a message whose field numbers stand in the Types folder. Pure.
/// </summary>
internal static class ProtobufReader
{
    private const int MaxDepth = 64;

    private static readonly ConcurrentDictionary<TypeSchema, Dictionary<int, Entry>> Layouts = new();

    /// <summary>A field, or the fields of a level that JSON leaves out.</summary>
    private sealed record Entry(FieldSchema? Field, Dictionary<int, FieldSchema>? Inner);

    /// <summary>Whether a body begins as an envelope does.</summary>
    public static bool IsEnvelope(ReadOnlySpan<byte> body) => body.StartsWith("k8s\0"u8);

    /// <summary>Reads an object with its envelope.</summary>
    /// <param name="body">The whole body.</param>
    /// <param name="find">Finds the type by apiVersion and kind.</param>
    /// <exception cref="FormatException">The body is damaged, or its type is not known.</exception>
    public static JsonObject ReadEnvelope(ReadOnlySpan<byte> body, Func<string, string, TypeSchema?> find)
    {
        if (!IsEnvelope(body)) throw new FormatException("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
        var reader = new Reader(body[4..]);
        string version = "", kind = "";
        ReadOnlySpan<byte> raw = default;
        while (reader.Next(out var number, out var wire))
        {
            if (number == 1 && wire == 2)
            {
                var meta = new Reader(reader.Bytes());
                while (meta.Next(out var part, out var partWire))
                {
                    if (part == 1 && partWire == 2) version = Encoding.UTF8.GetString(meta.Bytes());
                    else if (part == 2 && partWire == 2) kind = Encoding.UTF8.GetString(meta.Bytes());
                    else meta.Skip(partWire);
                }
            }
            else if (number == 2 && wire == 2)
            {
                raw = reader.Bytes();
            }
            else
            {
                reader.Skip(wire);
            }
        }
        var type = find(version, kind) ?? throw new FormatException($"no kind \"{kind}\" is registered for version \"{version}\" in protobuf form");
        var value = new JsonObject { ["apiVersion"] = version, ["kind"] = kind };
        ReadMessage(raw, type, value, 0);
        return value;
    }

    private static void ReadMessage(ReadOnlySpan<byte> data, TypeSchema type, JsonObject target, int depth)
    {
        if (depth > MaxDepth) throw new FormatException("the message is nested too deeply");
        var layout = Layouts.GetOrAdd(type, Describe);
        var reader = new Reader(data);
        while (reader.Next(out var number, out var wire))
        {
            if (!layout.TryGetValue(number, out var entry)) reader.Skip(wire);
            else if (entry.Field is { } field) ReadField(ref reader, wire, field, target, depth);
            else if (wire == 2) ReadInner(reader.Bytes(), entry.Inner!, target, depth);
            else reader.Skip(wire);
        }
    }

    private static void ReadInner(ReadOnlySpan<byte> data, Dictionary<int, FieldSchema> fields, JsonObject target, int depth)
    {
        var reader = new Reader(data);
        while (reader.Next(out var number, out var wire))
        {
            if (fields.TryGetValue(number, out var field)) ReadField(ref reader, wire, field, target, depth);
            else reader.Skip(wire);
        }
    }

    private static void ReadField(ref Reader reader, int wire, FieldSchema field, JsonObject target, int depth)
    {
        var type = field.Type;
        switch (type.Kind)
        {
            case SchemaKind.Array:
                var list = target.EnsureList(field.Name);
                if (wire == 2 && type.Element!.Kind is SchemaKind.Int32 or SchemaKind.Int64 or SchemaKind.Boolean)
                {
                    var packed = new Reader(reader.Bytes());
                    while (!packed.AtEnd) list.Add(ReadValue(ref packed, 0, type.Element, depth));
                }
                else
                {
                    list.Add(ReadValue(ref reader, wire, type.Element!, depth));
                }
                break;
            case SchemaKind.Map:
                ReadMapEntry(reader.Bytes(), type.Element!, target.Ensure(field.Name), depth);
                break;
            default:
                if (ReadValue(ref reader, wire, type, depth) is { } value) target[field.Name] = value;
                break;
        }
    }

    private static void ReadMapEntry(ReadOnlySpan<byte> data, TypeSchema element, JsonObject target, int depth)
    {
        var reader = new Reader(data);
        var key = "";
        JsonNode? value = null;
        while (reader.Next(out var number, out var wire))
        {
            if (number == 1 && wire == 2) key = Encoding.UTF8.GetString(reader.Bytes());
            else if (number == 2) value = ReadValue(ref reader, wire, element, depth);
            else reader.Skip(wire);
        }
        target[key] = value ?? JsonValue.Create("");
    }

    private static JsonNode? ReadValue(ref Reader reader, int wire, TypeSchema type, int depth)
    {
        switch (type.Kind)
        {
            case SchemaKind.Boolean when wire == 0: return reader.Varint() != 0;
            case SchemaKind.Int32 or SchemaKind.Int64 when wire == 0: return (long)reader.Varint();
            case SchemaKind.Double when wire == 1: return BitConverter.UInt64BitsToDouble(reader.Fixed64());
            case SchemaKind.String when wire == 2: return Encoding.UTF8.GetString(reader.Bytes());
            case SchemaKind.Bytes when wire == 2: return Convert.ToBase64String(reader.Bytes());
            case SchemaKind.Quantity when wire == 2: return ReadQuantity(reader.Bytes());
            case SchemaKind.Time or SchemaKind.MicroTime when wire == 2: return ReadTime(reader.Bytes(), type.Kind == SchemaKind.MicroTime);
            case SchemaKind.IntOrString when wire == 2: return ReadIntOrString(reader.Bytes());
            case SchemaKind.Any when wire == 2: return ReadRaw(reader.Bytes());
            case SchemaKind.Object when wire == 2:
                var value = new JsonObject();
                ReadMessage(reader.Bytes(), type, value, depth + 1);
                return value;
            case SchemaKind.Array when wire == 2:
                // A list as a map's value is wrapped in a message of its own.
                var list = new JsonArray();
                var items = new Reader(reader.Bytes());
                while (items.Next(out var number, out var itemWire))
                {
                    if (number == 1) list.Add(ReadValue(ref items, itemWire, type.Element!, depth + 1));
                    else items.Skip(itemWire);
                }
                return list;
            default: throw new FormatException($"wrong wire type {wire}");
        }
    }

    private static JsonNode? ReadQuantity(ReadOnlySpan<byte> data)
    {
        var reader = new Reader(data);
        while (reader.Next(out var number, out var wire))
        {
            if (number == 1 && wire == 2) return Encoding.UTF8.GetString(reader.Bytes());
            reader.Skip(wire);
        }
        return null;
    }

    private static JsonNode? ReadTime(ReadOnlySpan<byte> data, bool micro)
    {
        if (data.IsEmpty) return null;
        var reader = new Reader(data);
        long seconds = 0, nanos = 0;
        while (reader.Next(out var number, out var wire))
        {
            if (number == 1 && wire == 0) seconds = (long)reader.Varint();
            else if (number == 2 && wire == 0) nanos = (long)reader.Varint();
            else reader.Skip(wire);
        }
        if (seconds is < -62135596800 or > 253402300799 || nanos is < 0 or > 999999999) throw new FormatException("time out of range");
        var time = DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanos / 100);
        return time.UtcDateTime.ToString(micro ? "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'" : "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
    }

    private static JsonNode ReadIntOrString(ReadOnlySpan<byte> data)
    {
        var reader = new Reader(data);
        long type = 0, whole = 0;
        var text = "";
        while (reader.Next(out var number, out var wire))
        {
            if (number == 1 && wire == 0) type = (long)reader.Varint();
            else if (number == 2 && wire == 0) whole = (int)reader.Varint();
            else if (number == 3 && wire == 2) text = Encoding.UTF8.GetString(reader.Bytes());
            else reader.Skip(wire);
        }
        return type == 1 ? JsonValue.Create(text) : JsonValue.Create(whole);
    }

    private static JsonNode? ReadRaw(ReadOnlySpan<byte> data)
    {
        var reader = new Reader(data);
        while (reader.Next(out var number, out var wire))
        {
            if (number == 1 && wire == 2)
            {
                var raw = reader.Bytes();
                if (raw.IsEmpty) return null;
                try
                {
                    return JsonText.Parse(raw);
                }
                catch (System.Text.Json.JsonException wrong)
                {
                    throw new FormatException(wrong.Message, wrong);
                }
            }
            reader.Skip(wire);
        }
        return null;
    }

    private static Dictionary<int, Entry> Describe(TypeSchema type)
    {
        var layout = new Dictionary<int, Entry>();
        foreach (var field in type.Fields.Values)
        {
            if (field.Numbers is [var single]) layout[single] = new Entry(field, null);
            else if (field.Numbers is [var outer, var inner])
            {
                if (!layout.TryGetValue(outer, out var entry)) layout[outer] = entry = new Entry(null, []);
                entry.Inner![inner] = field;
            }
        }
        return layout;
    }

    private ref struct Reader(ReadOnlySpan<byte> data)
    {
        private ReadOnlySpan<byte> _rest = data;

        public readonly bool AtEnd => _rest.IsEmpty;

        public bool Next(out int number, out int wire)
        {
            number = wire = 0;
            if (_rest.IsEmpty) return false;
            var tag = Varint();
            number = (int)(tag >> 3);
            wire = (int)(tag & 7);
            return number > 0 ? true : throw new FormatException("illegal tag");
        }

        public ulong Varint()
        {
            ulong value = 0;
            for (var i = 0; i < 10 && i < _rest.Length; i++)
            {
                value |= (ulong)(_rest[i] & 0x7f) << (7 * i);
                if (_rest[i] >= 0x80) continue;
                _rest = _rest[(i + 1)..];
                return value;
            }
            throw new FormatException("unexpected EOF");
        }

        public ulong Fixed64()
        {
            if (_rest.Length < 8) throw new FormatException("unexpected EOF");
            var value = BinaryPrimitives.ReadUInt64LittleEndian(_rest);
            _rest = _rest[8..];
            return value;
        }

        public ReadOnlySpan<byte> Bytes()
        {
            var length = Varint();
            if (length > (ulong)_rest.Length) throw new FormatException("unexpected EOF");
            var bytes = _rest[..(int)length];
            _rest = _rest[(int)length..];
            return bytes;
        }

        public void Skip(int wire)
        {
            switch (wire)
            {
                case 0:
                    Varint();
                    break;
                case 1:
                    Fixed64();
                    break;
                case 2:
                    Bytes();
                    break;
                case 5 when _rest.Length >= 4:
                    _rest = _rest[4..];
                    break;
                default: throw new FormatException($"illegal wire type {wire}");
            }
        }
    }
}
