using System.Text;

namespace Lateen.Samples.Httpbin;

/// <summary>Paths whose body comes in pieces: chunked lines, random bytes, dripped bytes, ranges.</summary>
internal static class StreamEndpoints
{
    private const int MostBytes = 10 << 20;
    private const int MostLines = 100;

    public static void Map(WebApplication app, Echo echo)
    {
        app.MapGet("/bytes/{n:int}", (int n, int? seed) => Results.Bytes(RandomBytes(n, seed), "application/octet-stream"));
        app.MapGet("/stream/{n:int}", async (int n, HttpContext http) =>
        {
            http.Response.ContentType = "application/json";
            for (var line = 0; line < Math.Min(n, MostLines); line++)
            {
                var body = echo.Summary(http.Request);
                body["id"] = line;
                await http.Response.WriteAsync(body.ToJsonString() + "\n", http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
            }
        });
        app.MapGet("/stream-bytes/{n:int}", async (int n, int? seed, int? chunk_size, HttpContext http) =>
        {
            http.Response.ContentType = "application/octet-stream";
            foreach (var chunk in RandomBytes(n, seed).Chunk(Math.Clamp(chunk_size ?? 10240, 1, MostBytes)))
            {
                await http.Response.Body.WriteAsync(chunk, http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
            }
        });
        app.MapGet("/drip", async (int? numbytes, double? duration, double? delay, int? code, HttpContext http) =>
        {
            var count = Math.Clamp(numbytes ?? 10, 1, MostBytes);
            var pause = TimeSpan.FromSeconds(Math.Clamp(duration ?? 2, 0, 60) / count);
            await Task.Delay(TimeSpan.FromSeconds(Math.Clamp(delay ?? 0, 0, 60)), http.RequestAborted);
            http.Response.StatusCode = code is >= 200 and <= 599 ? code.Value : 200;
            http.Response.ContentType = "application/octet-stream";
            http.Response.ContentLength = count;
            for (var i = 0; i < count; i++)
            {
                await http.Response.Body.WriteAsync("*"u8.ToArray(), http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
                await Task.Delay(pause, http.RequestAborted);
            }
        });
        app.MapGet("/range/{n:int}", (int n) =>
            Results.Bytes(Encoding.ASCII.GetBytes(string.Create(Math.Clamp(n, 0, MostBytes), 0, static (text, _) =>
            {
                for (var i = 0; i < text.Length; i++) text[i] = (char)('a' + i % 26);
            })), "application/octet-stream", enableRangeProcessing: true));
    }

    private static byte[] RandomBytes(int count, int? seed)
    {
        var bytes = new byte[Math.Clamp(count, 0, MostBytes)];
        (seed is { } given ? new Random(given) : Random.Shared).NextBytes(bytes);
        return bytes;
    }
}
