using System.Buffers;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;
using Lateen.Foundation.Yaml;
using Microsoft.AspNetCore.Http;

namespace Lateen.EmbeddedCluster.ApiServer.Requests;

/// <summary>Writes answers: media type, warnings, compression.</summary>
internal static class ApiResponse
{
    /// <summary>Bodies from this size on are compressed for clients that ask, as in Kubernetes.</summary>
    private const int CompressFrom = 128 * 1024;

    public static Task WriteAsync(HttpContext http, int code, JsonNode value, Representation form, RequestScope? scope = null)
    {
        var body = new ArrayBufferWriter<byte>(4096);
        JsonText.Write(body, value);
        return WriteAsync(http, code, body.WrittenMemory, form, scope);
    }

    /// <summary>Writes JSON text, turned into YAML when that was asked for.</summary>
    public static async Task WriteAsync(HttpContext http, int code, ReadOnlyMemory<byte> json, Representation form, RequestScope? scope = null)
    {
        var response = http.Response;
        if (form.Yaml) json = Encoding.UTF8.GetBytes(YamlWriter.ToYaml(JsonText.Parse(json.Span)));
        response.StatusCode = code;
        response.ContentType = ContentType(form);
        AddWarnings(response, scope);
        if (json.Length >= CompressFrom && http.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase))
        {
            response.Headers.ContentEncoding = "gzip";
            response.Headers.Vary = "Accept-Encoding";
            await using var gzip = new GZipStream(response.Body, CompressionLevel.Fastest);
            await gzip.WriteAsync(json, http.RequestAborted).ConfigureAwait(false);
            return;
        }
        response.ContentLength = json.Length;
        await response.Body.WriteAsync(json, http.RequestAborted).ConfigureAwait(false);
    }

    public static Task WriteErrorAsync(HttpContext http, ApiException error, RequestScope? scope = null)
    {
        if (error.RetryAfterSeconds is { } seconds) http.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return WriteAsync(http, error.Code, error.ToStatus(), Representation.Json, scope);
    }

    public static async Task WriteTextAsync(HttpContext http, int code, string text)
    {
        http.Response.StatusCode = code;
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync(text, http.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Warnings as RFC 7234 wants them: code 299, no agent, quoted text.</summary>
    public static void AddWarnings(HttpResponse response, RequestScope? scope)
    {
        foreach (var warning in scope?.Warnings ?? [])
        {
            var text = new StringBuilder("299 - \"");
            foreach (var c in warning.Length > 1024 ? warning[..1024] : warning)
            {
                if (c is '"' or '\\') text.Append('\\');
                text.Append(c is < ' ' or > '~' ? ' ' : c);
            }
            response.Headers.Append("Warning", text.Append('"').ToString());
        }
    }

    private static string ContentType(Representation form)
    {
        if (form.MediaType is { } type) return type;
        if (form.Yaml) return "application/yaml";
        if (form.Discovery) return $"application/json;g=apidiscovery.k8s.io;v={form.DiscoveryVersion};as=APIGroupDiscoveryList";
        return "application/json";
    }
}
