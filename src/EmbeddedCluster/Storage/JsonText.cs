using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Storage;

/// <summary>Reads and writes JSON text the way a Kubernetes API server does: whole numbers stay whole, the last of several equal keys wins.</summary>
public static class JsonText
{
    /// <summary>Deepest nesting that is read; schemas of custom resources need about 60.</summary>
    public const int MaxDepth = 256;

    internal static readonly JsonDocumentOptions ReadOptions = new() { MaxDepth = MaxDepth };

    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = MaxDepth };

    private static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = MaxDepth + 16, SkipValidation = true,
    };

    /// <summary>Reads one JSON value.</summary>
    /// <param name="json">UTF-8 text.</param>
    /// <param name="duplicates">Takes the path of every repeated key, when given.</param>
    /// <exception cref="JsonException">The text is not JSON, or nested too deeply.</exception>
    public static JsonNode? Parse(ReadOnlySpan<byte> json, List<string>? duplicates = null)
    {
        var reader = new Utf8JsonReader(json, ReaderOptions);
        reader.Read();
        var value = ReadValue(ref reader, duplicates, "");
        if (reader.Read()) throw new JsonException("invalid character after top-level value");
        return value;
    }

    /// <summary>UTF-8 text of a value, without white space.</summary>
    public static byte[] ToBytes(JsonNode? value)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        Write(buffer, value);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Writes a value without white space.</summary>
    public static void Write(IBufferWriter<byte> target, JsonNode? value)
    {
        using var writer = new Utf8JsonWriter(target, WriterOptions);
        if (value is null) writer.WriteNullValue();
        else value.WriteTo(writer);
    }

    /// <summary>A changeable copy of a parsed value.</summary>
    public static JsonNode? Copy(JsonElement value) => Parse(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(value));

    private static JsonNode? ReadValue(ref Utf8JsonReader reader, List<string>? duplicates, string path)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject: return ReadObject(ref reader, duplicates, path);
            case JsonTokenType.StartArray:
                var array = new JsonArray();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    array.Add(ReadValue(ref reader, duplicates, duplicates is null ? "" : $"{path}[{array.Count}]"));
                return array;
            case JsonTokenType.String: return JsonValue.Create(reader.GetString());
            case JsonTokenType.True: return JsonValue.Create(true);
            case JsonTokenType.False: return JsonValue.Create(false);
            case JsonTokenType.Number:
                return reader.TryGetInt64(out var whole) ? JsonValue.Create(whole) : JsonValue.Create(FiniteDouble(ref reader));
            default: return null;
        }
    }

    private static double FiniteDouble(ref Utf8JsonReader reader) =>
        reader.TryGetDouble(out var number) && double.IsFinite(number) ? number : throw new JsonException("number out of range");

    private static JsonObject ReadObject(ref Utf8JsonReader reader, List<string>? duplicates, string path)
    {
        var result = new JsonObject();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var name = reader.GetString()!;
            reader.Read();
            var child = duplicates is null ? "" : path.Length == 0 ? name : $"{path}.{name}";
            if (duplicates is not null && result.ContainsKey(name)) duplicates.Add(child);
            result[name] = ReadValue(ref reader, duplicates, child);
        }
        return result;
    }
}
