using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;
using Lateen.Foundation.Yaml;
using Microsoft.AspNetCore.Http;

namespace Lateen.EmbeddedCluster.ApiServer.Requests;

/// <summary>Reads request bodies: JSON or YAML, of bounded size.</summary>
internal static class RequestBody
{
    /// <summary>Largest body, as Kubernetes has it.</summary>
    public const int MaxBytes = 3 << 20;

    private const string Supported = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
    private const string Protobuf = "application/vnd.kubernetes.protobuf";

    /// <summary>The bytes of a body.</summary>
    /// <exception cref="ApiException">It is too large (413).</exception>
    public static async Task<byte[]> ReadBytesAsync(HttpRequest request, CancellationToken cancel)
    {
        if (request.ContentLength > MaxBytes) throw TooLarge();
        var body = new ArrayBufferWriter<byte>((int)(request.ContentLength ?? 4096) + 1);
        while (true)
        {
            var read = await request.Body.ReadAsync(body.GetMemory(4096), cancel).ConfigureAwait(false);
            if (read == 0) return body.WrittenSpan.ToArray();
            body.Advance(read);
            if (body.WrittenCount > MaxBytes) throw TooLarge();
        }
    }

    /// <summary>The object in a body.</summary>
    /// <exception cref="ApiException">The media type is not known (415), or the body is no object (400).</exception>
    public static async Task<ReceivedObject> ReadObjectAsync(HttpRequest request, CancellationToken cancel)
    {
        var type = MediaType(request);
        if (type is not ("" or "application/json" or "application/yaml" or "application/x-yaml" or "text/yaml" or Protobuf)) throw ApiException.UnsupportedMediaType(Supported);
        return Parse(await ReadBytesAsync(request, cancel).ConfigureAwait(false), type);
    }

    /// <summary>DeleteOptions and the like, null for an empty body.</summary>
    public static async Task<JsonObject?> ReadOptionsAsync(HttpRequest request, CancellationToken cancel)
    {
        if (request.ContentLength is 0) return null;
        var type = MediaType(request);
        var bytes = await ReadBytesAsync(request, cancel).ConfigureAwait(false);
        if (bytes.Length == 0) return null;
        if (type is not ("" or "application/json" or "application/yaml" or Protobuf)) throw ApiException.UnsupportedMediaType(Supported);
        return Parse(bytes, type).Value;
    }

    public static string MediaType(HttpRequest request)
    {
        var text = request.ContentType ?? "";
        var end = text.IndexOf(';');
        return (end < 0 ? text : text[..end]).Trim().ToLowerInvariant();
    }

    private static ReceivedObject Parse(byte[] bytes, string type)
    {
        if (type != Protobuf) return ParseObject(bytes, type.EndsWith("yaml", StringComparison.Ordinal));
        try
        {
            return new ReceivedObject(ProtobufReader.ReadEnvelope(bytes, ProtobufType));
        }
        catch (FormatException wrong)
        {
            throw ApiException.BadRequest(wrong.Message);
        }
    }

    /// <summary>Types that may come in protobuf form: those of the served kinds, and of requests that are not stored.</summary>
    private static TypeSchema? ProtobufType(string version, string kind)
    {
        if (kind is "DeleteOptions") return TypeCatalog.Instance["meta.v1.DeleteOptions"];
        if ((version, kind) is ("autoscaling/v1", "Scale")) return TypeCatalog.Instance["autoscaling.v1.Scale"];
        if ((version, kind) is ("policy/v1", "Eviction")) return TypeCatalog.Instance["policy.v1.Eviction"];
        if ((version, kind) is ("authentication.k8s.io/v1", "TokenRequest")) return TypeCatalog.Instance["authentication.v1.TokenRequest"];
        var resource = BuiltInKinds.All.FirstOrDefault(resource => resource.ApiVersion == version && resource.Kind.Kind == kind);
        // The messages of schemas are not the JSON form of schemas.
        return resource is null || resource.Group == "apiextensions.k8s.io" ? null : resource.Schema;
    }

    public static ReceivedObject ParseObject(byte[] bytes, bool yaml)
    {
        var duplicates = new List<string>();
        try
        {
            var value = yaml ? ParseYaml(bytes, duplicates) : JsonText.Parse(bytes, duplicates);
            return new ReceivedObject(value as JsonObject ?? throw ApiException.BadRequest("the body of the request must be an object"), duplicates);
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or FormatException)
        {
            throw ApiException.BadRequest($"couldn't get version/kind; json parse error: {wrong.Message}");
        }
    }

    /// <summary>A JSON value of any kind, for patches.</summary>
    public static JsonNode? ParseValue(byte[] bytes)
    {
        try
        {
            return JsonText.Parse(bytes);
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException)
        {
            throw ApiException.BadRequest($"error decoding patch: {wrong.Message}");
        }
    }

    private static JsonNode? ParseYaml(byte[] bytes, List<string> duplicates)
    {
        // What says it is YAML is mostly JSON: clients send it so for server-side apply.
        if (bytes.AsSpan().TrimStart(" \r\n\t"u8) is [(byte)'{', ..])
        {
            try
            {
                return JsonText.Parse(bytes, duplicates);
            }
            catch (JsonException)
            {
                duplicates.Clear();
            }
        }
        return JsonText.Parse(JsonText.ToBytes(YamlReader.ReadOne(Encoding.UTF8.GetString(bytes), "body")));
    }

    private static ApiException TooLarge() => new(413, "RequestEntityTooLarge", $"Request entity too large: limit is {MaxBytes}");
}
