using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Tests.Behaviour;

/// <summary>What a request came back with.</summary>
public sealed record ApiAnswer(int Code, JsonObject Body, IReadOnlyList<string> Warnings, string ContentType, string Text)
{
    /// <summary>The message of a Status.</summary>
    public string Message => (string?)Body["message"] ?? "";

    /// <summary>The reason of a Status.</summary>
    public string Reason => (string?)Body["reason"] ?? "";

    /// <summary>metadata.name.</summary>
    public string Name => (string?)Body["metadata"]?["name"] ?? "";

    /// <summary>metadata.resourceVersion.</summary>
    public string Revision => (string?)Body["metadata"]?["resourceVersion"] ?? "";

    /// <summary>The names of a list's items.</summary>
    public string[] Names => [.. (Body["items"] as JsonArray ?? []).Select(item => (string)item!["metadata"]!["name"]!)];
}

/// <summary>A plain HTTP client of a Kubernetes API, so that nothing stands between a test and the wire.</summary>
public sealed class ApiClient : IDisposable
{
    private readonly HttpClient _http;

    public ApiClient(Uri url, string? token)
    {
        Url = url;
        Token = token;
        _http = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } }) { BaseAddress = url };
        if (token is not null) _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        _http.DefaultRequestHeaders.UserAgent.ParseAdd("tests/1");
    }

    public Uri Url { get; }

    /// <summary>The bearer token, null for none.</summary>
    public string? Token { get; }

    public Task<ApiAnswer> GetAsync(string path, string accept = "application/json") => SendAsync(HttpMethod.Get, path, null, null, accept);

    public Task<ApiAnswer> PostAsync(string path, JsonNode body) => SendAsync(HttpMethod.Post, path, body.ToJsonString(), "application/json");

    public Task<ApiAnswer> PutAsync(string path, JsonNode body) => SendAsync(HttpMethod.Put, path, body.ToJsonString(), "application/json");

    /// <summary>A patch of type json, merge, strategic or apply.</summary>
    public Task<ApiAnswer> PatchAsync(string path, string type, string body) => SendAsync(HttpMethod.Patch, path, body, type switch
    {
        "json" => "application/json-patch+json", "merge" => "application/merge-patch+json", "strategic" => "application/strategic-merge-patch+json",
        _ => "application/apply-patch+yaml",
    });

    public Task<ApiAnswer> DeleteAsync(string path, JsonNode? options = null) => SendAsync(HttpMethod.Delete, path, options?.ToJsonString(), options is null ? null : "application/json");

    public async Task<ApiAnswer> SendAsync(HttpMethod method, string path, string? body, string? type, string accept = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type!);
        }
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var warnings = response.Headers.TryGetValues("Warning", out var values) ? values.ToArray() : [];
        var contentType = response.Content.Headers.ContentType?.MediaType ?? "";
        var json = contentType == "application/json" ? JsonNode.Parse(text) as JsonObject : null;
        return new ApiAnswer((int)response.StatusCode, json ?? [], warnings, response.Content.Headers.ContentType?.ToString() ?? "", text);
    }

    /// <summary>Reads an answer as it comes.</summary>
    public async Task<StreamReader> StreamAsync(string path)
    {
        var response = await _http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
        return new StreamReader(await response.Content.ReadAsStreamAsync());
    }

    /// <summary>Begins a watch.</summary>
    public async Task<ApiWatch> WatchAsync(string path)
    {
        var response = await _http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
        return new ApiWatch(response, new StreamReader(await response.Content.ReadAsStreamAsync()));
    }

    public void Dispose() => _http.Dispose();
}

/// <summary>The events of a watch, one after the other.</summary>
public sealed class ApiWatch(HttpResponseMessage response, StreamReader reader) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public int Code => (int)response.StatusCode;

    /// <summary>The next event, null at the end.</summary>
    public async Task<(string Type, JsonObject Object)?> NextAsync(TimeSpan? patience = null)
    {
        var line = await reader.ReadLineAsync().WaitAsync(patience ?? Patience);
        if (line is null) return null;
        var entry = JsonNode.Parse(line)!;
        return ((string)entry["type"]!, (JsonObject)entry["object"]!);
    }

    /// <summary>The next event as "ADDED name".</summary>
    public async Task<string> NextTextAsync()
    {
        var next = await NextAsync();
        return next is { } entry ? $"{entry.Type} {(string?)entry.Object["metadata"]?["name"]}".Trim() : "end";
    }

    public void Dispose()
    {
        reader.Dispose();
        response.Dispose();
    }
}
