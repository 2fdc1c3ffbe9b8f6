using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Primitives;

namespace Lateen.Samples.Httpbin;

/// <summary>Describes a request as JSON, in one of the two dialects.</summary>
internal sealed class Echo(bool listsOfValues)
{
    private const int MaxBody = 16 << 20;
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Method-less summary: query, headers, origin and URL.</summary>
    public JsonObject Summary(HttpRequest request) => new()
    {
        ["args"] = Values(request.Query),
        ["headers"] = Headers(request),
        ["origin"] = Origin(request),
        ["url"] = Url(request),
    };

    /// <summary>The summary and what the body held, as text, form and JSON.</summary>
    public async Task<JsonObject> WithBodyAsync(HttpRequest request)
    {
        var summary = Summary(request);
        var body = await ReadBodyAsync(request);
        summary["data"] = request.HasFormContentType ? "" : body;
        summary["files"] = new JsonObject();
        summary["form"] = request.HasFormContentType ? Form(body) : new JsonObject();
        summary["json"] = ParseOrNull(body);
        return summary;
    }

    public JsonObject Headers(HttpRequest request) =>
        Values(request.Headers.OrderBy(header => header.Key, StringComparer.OrdinalIgnoreCase).Select(h => KeyValuePair.Create(Canonical(h.Key), h.Value)));

    /// <summary>The nearest client: the first of x-forwarded-for, else the peer.</summary>
    public static string Origin(HttpRequest request) =>
        request.Headers["x-forwarded-for"].ToString() is { Length: > 0 } forwarded
            ? forwarded.Split(',')[0].Trim()
            : (request.HttpContext.Connection.RemoteIpAddress?.MapToIPv4().ToString() ?? "");

    public static string Url(HttpRequest request)
    {
        var scheme = request.Headers["x-forwarded-proto"].ToString() is { Length: > 0 } forwarded ? forwarded : request.Scheme;
        return $"{scheme}://{request.Host}{request.PathBase}{request.Path}{request.QueryString}";
    }

    public static IResult Json(JsonNode body, int status = 200) =>
        Results.Text(body.ToJsonString(Indented) + "\n", "application/json", Encoding.UTF8, status);

    private JsonObject Values(IEnumerable<KeyValuePair<string, StringValues>> pairs)
    {
        var values = new JsonObject();
        foreach (var (name, given) in pairs)
            values[name] = listsOfValues || given.Count > 1 && !name.Contains('-')
                ? new JsonArray([.. given.Select(value => (JsonNode?)value)])
                : string.Join(',', (IEnumerable<string?>)given);
        return values;
    }

    private JsonObject Form(string body) => Values(Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(body));

    private static string Canonical(string name) => string.Join('-', name.Split('-').Select(word =>
        word.Length == 0 ? word : char.ToUpperInvariant(word[0]) + word[1..].ToLowerInvariant()));

    private static JsonNode? ParseOrNull(string body)
    {
        try
        {
            return body.Length == 0 ? null : JsonNode.Parse(body);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static async Task<string> ReadBodyAsync(HttpRequest request)
    {
        using var copy = new MemoryStream();
        var chunk = new byte[16 * 1024];
        for (int read; copy.Length < MaxBody && (read = await request.Body.ReadAsync(chunk)) > 0;) copy.Write(chunk, 0, read);
        return Encoding.UTF8.GetString(copy.GetBuffer(), 0, (int)copy.Length);
    }
}
