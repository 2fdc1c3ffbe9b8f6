using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;

namespace Lateen.Samples.Httpbin;

/// <summary>Paths whose answer the caller chooses: status, delay, redirect, headers, encoding, caching.</summary>
internal static class ResponseEndpoints
{
    private static readonly string[] AnyMethod = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(10);

    public static void Map(WebApplication app, Echo echo)
    {
        app.MapMethods("/status/{codes}", AnyMethod, (string codes) => Choose(codes) is { } status
            ? Results.StatusCode(status)
            : Results.Text("Invalid status code\n", statusCode: 400));
        app.MapMethods("/delay/{seconds}", AnyMethod, async (string seconds, HttpRequest request) =>
        {
            if (!double.TryParse(seconds, NumberStyles.Float, CultureInfo.InvariantCulture, out var wait) || !(wait >= 0))
                return Results.Text("Invalid delay\n", statusCode: 400);
            await Task.Delay(wait > LongestDelay.TotalSeconds ? LongestDelay : TimeSpan.FromSeconds(wait), request.HttpContext.RequestAborted);
            return Echo.Json(await echo.WithBodyAsync(request));
        });
        app.MapGet("/response-headers", (HttpContext http) =>
        {
            foreach (var (name, value) in http.Request.Query) http.Response.Headers.Append(name, value);
            return Echo.Json(new JsonObject(http.Request.Query.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value.ToString()))));
        });
        MapRedirects(app);
        MapCaching(app, echo);
        MapFormats(app, echo);
    }

    private static int? Choose(string codes)
    {
        var choices = codes.Split(',').Select(choice => choice.Split(':')[0]).ToArray();
        return int.TryParse(choices[Random.Shared.Next(choices.Length)], out var status) && status is >= 100 and <= 599 ? status : null;
    }

    private static void MapRedirects(WebApplication app)
    {
        foreach (var kind in new[] { "redirect", "relative-redirect" })
            app.MapGet($"/{kind}/{{n:int:range(1,100)}}", (int n) => Results.Redirect(n == 1 ? "/get" : $"/{kind}/{n - 1}"));
        app.MapGet("/absolute-redirect/{n:int:range(1,100)}", (int n, HttpRequest request) =>
            Results.Redirect($"{request.Scheme}://{request.Host}{(n == 1 ? "/get" : $"/absolute-redirect/{n - 1}")}"));
        app.MapMethods("/redirect-to", AnyMethod, (string url, int? status_code, HttpContext http) =>
        {
            http.Response.Headers.Location = url;
            return Results.StatusCode(status_code is >= 300 and < 400 ? status_code.Value : 302);
        });
    }

    private static void MapCaching(WebApplication app, Echo echo)
    {
        app.MapGet("/cache", (HttpContext http) =>
        {
            if (http.Request.Headers.IfModifiedSince.Count > 0 || http.Request.Headers.IfNoneMatch.Count > 0) return Results.StatusCode(304);
            http.Response.Headers.LastModified = DateTime.UtcNow.ToString("R", CultureInfo.InvariantCulture);
            http.Response.Headers.ETag = $"\"{Guid.NewGuid():N}\"";
            return Echo.Json(echo.Summary(http.Request));
        });
        app.MapGet("/cache/{seconds:int}", (int seconds, HttpContext http) =>
        {
            http.Response.Headers.CacheControl = $"public, max-age={seconds}";
            return Echo.Json(echo.Summary(http.Request));
        });
        app.MapGet("/etag/{etag}", (string etag, HttpContext http) =>
        {
            http.Response.Headers.ETag = $"\"{etag}\"";
            return http.Request.Headers.IfNoneMatch.ToString() is "*" or { Length: > 0 } && http.Request.Headers.IfNoneMatch.ToString().Contains(etag)
                ? Results.StatusCode(304)
                : Echo.Json(echo.Summary(http.Request));
        });
    }

    private static void MapFormats(WebApplication app, Echo echo)
    {
        app.MapGet("/html", () => Results.Text("<!DOCTYPE html>\n<html><body><h1>A page</h1><p>For clients that want one.</p></body></html>\n", "text/html"));
        app.MapGet("/json", () => Echo.Json(new JsonObject { ["slideshow"] = new JsonObject { ["title"] = "Sample", ["slides"] = new JsonArray() } }));
        app.MapGet("/xml", () => Results.Text("<?xml version=\"1.0\"?>\n<sample><title>Sample</title></sample>\n", "application/xml"));
        app.MapGet("/robots.txt", () => Results.Text("User-agent: *\nDisallow: /deny\n"));
        app.MapGet("/deny", () => Results.Text("You should not be here.\n"));
        app.MapGet("/encoding/utf8", () => Results.Text("Grüße, мир, 世界\n", "text/plain; charset=utf-8"));
        app.MapGet("/base64/{value}", (string value) =>
        {
            var room = new byte[value.Length];
            return Convert.TryFromBase64String(value.Replace('-', '+').Replace('_', '/'), room, out var length)
                ? Results.Bytes(room.AsMemory(0, length), "text/html; charset=utf-8")
                : Results.Text("Incorrect Base64 data\n", statusCode: 400);
        });
        MapCompressed(app, echo, "gzip", "gzipped", target => new GZipStream(target, CompressionLevel.Fastest));
        MapCompressed(app, echo, "deflate", "deflated", target => new ZLibStream(target, CompressionLevel.Fastest));
        MapCompressed(app, echo, "br", "brotli", target => new BrotliStream(target, CompressionLevel.Fastest), path: "brotli");
    }

    private static void MapCompressed(WebApplication app, Echo echo, string encoding, string flag, Func<Stream, Stream> compress, string? path = null) =>
        app.MapGet($"/{path ?? encoding}", (HttpContext http) =>
        {
            var body = echo.Summary(http.Request);
            body[flag] = true;
            using var target = new MemoryStream();
            using (var compressed = compress(target)) compressed.Write(Encoding.UTF8.GetBytes(body.ToJsonString()));
            http.Response.Headers.ContentEncoding = encoding;
            return Results.Bytes(target.ToArray(), "application/json");
        });
}
