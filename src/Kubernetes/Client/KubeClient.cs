using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lateen.Kubernetes.Client;

/// <summary>
/// Talks to a Kubernetes API server in JSON. Objects are plain JSON trees; the typed models read them. Any thread.
/// </summary>
public sealed class KubeClient : IDisposable
{
    private const int PageSize = 500;
    private readonly HttpClient _http;
    private readonly KubeClientOptions _options;

    /// <summary>Makes a client; nothing is connected yet.</summary>
    public KubeClient(KubeClientOptions options)
    {
        _options = options;
        _http = new HttpClient(CreateHandler(options)) { BaseAddress = options.Server, Timeout = System.Threading.Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd(options.UserAgent);
    }

    /// <summary>What the client was made from.</summary>
    public KubeClientOptions Options => _options;

    /// <summary>How long a request that is not a watch may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>One object.</summary>
    /// <exception cref="KubeException">It is not there, or the request failed.</exception>
    public Task<JsonObject> GetAsync(KubeResource resource, string? ns, string name, CancellationToken cancel = default, string? subresource = null) =>
        SendAsync(HttpMethod.Get, resource.PathOf(ns, name, subresource), null, null, cancel);

    /// <summary>One object, or null when it is not there.</summary>
    public async Task<JsonObject?> TryGetAsync(KubeResource resource, string? ns, string name, CancellationToken cancel = default)
    {
        try
        {
            return await GetAsync(resource, ns, name, cancel).ConfigureAwait(false);
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>All objects of a kind, page by page, and the resource version to watch from. A null namespace means all.</summary>
    public async Task<KubeList> ListAsync(
        KubeResource resource, string? ns = null, string? labelSelector = null, string? fieldSelector = null, CancellationToken cancel = default)
    {
        var items = new List<JsonObject>();
        string? page = null;
        while (true)
        {
            var query = Query(("labelSelector", labelSelector), ("fieldSelector", fieldSelector), ("limit", PageSize.ToString(CultureInfo.InvariantCulture)), ("continue", page));
            var list = await SendAsync(HttpMethod.Get, resource.PathOf(ns) + query, null, null, cancel).ConfigureAwait(false);
            foreach (var item in (list["items"] as JsonArray)?.ToArray() ?? [])
            {
                if (item is not JsonObject found) continue;
                found.Parent?.AsArray().Remove(found);
                found.TryAdd("apiVersion", resource.ApiVersion);
                found.TryAdd("kind", resource.Kind);
                items.Add(found);
            }
            page = (string?)list["metadata"]?["continue"];
            if (string.IsNullOrEmpty(page)) return new KubeList(items, (string?)list["metadata"]?["resourceVersion"] ?? "");
        }
    }

    /// <summary>Makes an object; its namespace is that of its metadata unless given.</summary>
    public Task<JsonObject> CreateAsync(KubeResource resource, string? ns, JsonObject value, CancellationToken cancel = default, string? name = null, string? subresource = null) =>
        SendAsync(HttpMethod.Post, resource.PathOf(ns ?? (string?)value["metadata"]?["namespace"], name, subresource), value, "application/json", cancel);

    /// <summary>Replaces an object, or its status or another sub-resource; a conflict when it has changed since it was read.</summary>
    public Task<JsonObject> ReplaceAsync(KubeResource resource, string? ns, string name, JsonObject value, CancellationToken cancel = default, string? subresource = null) =>
        SendAsync(HttpMethod.Put, resource.PathOf(ns, name, subresource), value, "application/json", cancel);

    /// <summary>Changes a part of an object.</summary>
    public Task<JsonObject> PatchAsync(
        KubeResource resource, string? ns, string name, JsonNode patch, KubePatch kind = KubePatch.Merge, CancellationToken cancel = default, string? subresource = null,
        string? fieldManager = null, bool force = false) =>
        SendAsync(
            HttpMethod.Patch,
            resource.PathOf(ns, name, subresource) + Query(("fieldManager", fieldManager), ("force", force ? "true" : null)),
            patch,
            kind switch
            {
                KubePatch.Json => "application/json-patch+json",
                KubePatch.Merge => "application/merge-patch+json",
                KubePatch.StrategicMerge => "application/strategic-merge-patch+json",
                _ => "application/apply-patch+yaml",
            },
            cancel);

    /// <summary>Deletes an object; with a grace period of 0 seconds at once.</summary>
    public Task<JsonObject> DeleteAsync(KubeResource resource, string? ns, string name, CancellationToken cancel = default, int? gracePeriodSeconds = null, string? propagation = null)
    {
        var options = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "DeleteOptions" };
        if (gracePeriodSeconds is { } grace) options["gracePeriodSeconds"] = grace;
        if (propagation is not null) options["propagationPolicy"] = propagation;
        return SendAsync(HttpMethod.Delete, resource.PathOf(ns, name), options, "application/json", cancel);
    }

    /// <summary>
    /// Changes after a resource version, with bookmarks, until the server ends the watch. An ERROR event becomes a
    /// <see cref="KubeException"/>; <see cref="KubeException.IsExpired"/> asks for a new list.
    /// </summary>
    public async IAsyncEnumerable<WatchEvent> WatchAsync(
        KubeResource resource, string? ns, string resourceVersion, string? labelSelector = null, string? fieldSelector = null,
        TimeSpan? timeout = null, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel = default)
    {
        var seconds = (int)(timeout ?? TimeSpan.FromMinutes(5 + Random.Shared.NextDouble() * 5)).TotalSeconds;
        var query = Query(
            ("watch", "true"), ("allowWatchBookmarks", "true"), ("resourceVersion", resourceVersion), ("labelSelector", labelSelector), ("fieldSelector", fieldSelector),
            ("timeoutSeconds", seconds.ToString(CultureInfo.InvariantCulture)));
        using var response = await OpenAsync(HttpMethod.Get, resource.PathOf(ns) + query, null, null, cancel).ConfigureAwait(false);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false));
        while (true)
        {
            string? line;
            try
            {
                line = await reader.ReadLineAsync(cancel).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                throw Unreachable(e);
            }
            if (line is null) yield break;
            if (line.Length == 0 || Parse(line) is not { } parsed || parsed["object"] is not JsonObject changed) continue;
            parsed.Remove("object");
            switch ((string?)parsed["type"])
            {
                case "ADDED":
                    yield return new WatchEvent(WatchEventType.Added, changed);
                    break;
                case "MODIFIED":
                    yield return new WatchEvent(WatchEventType.Modified, changed);
                    break;
                case "DELETED":
                    yield return new WatchEvent(WatchEventType.Deleted, changed);
                    break;
                case "BOOKMARK":
                    yield return new WatchEvent(WatchEventType.Bookmark, changed);
                    break;
                case "ERROR":
                    throw Failure((HttpStatusCode)((int?)changed["code"] ?? 0), changed);
            }
        }
    }

    /// <summary>Any other request for JSON, by path and query.</summary>
    public Task<JsonObject> RequestAsync(HttpMethod method, string pathAndQuery, JsonNode? body = null, CancellationToken cancel = default) =>
        SendAsync(method, pathAndQuery, body, body is null ? null : "application/json", cancel);

    /// <summary>Any other request, its response as it comes; the caller disposes it.</summary>
    public Task<HttpResponseMessage> OpenAsync(string pathAndQuery, CancellationToken cancel = default) => OpenAsync(HttpMethod.Get, pathAndQuery, null, null, cancel);

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<JsonObject> SendAsync(HttpMethod method, string path, JsonNode? body, string? contentType, CancellationToken cancel)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limited.CancelAfter(Timeout);
        try
        {
            using var response = await OpenAsync(method, path, body, contentType, limited.Token).ConfigureAwait(false);
            var text = await response.Content.ReadAsByteArrayAsync(limited.Token).ConfigureAwait(false);
            return JsonNode.Parse(text) as JsonObject ?? throw new KubeException(response.StatusCode, "", $"{method} {path}: the answer is not a JSON object");
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new KubeException(0, "Timeout", $"{method} {path}: no answer within {Timeout.TotalSeconds:F0} s", null, e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
        {
            throw Unreachable(e);
        }
    }

    private async Task<HttpResponseMessage> OpenAsync(HttpMethod method, string path, JsonNode? body, string? contentType, CancellationToken cancel)
    {
        var request = new HttpRequestMessage(method, path) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        request.Headers.Accept.ParseAdd("application/json");
        if (_options.Token?.Invoke() is { Length: > 0 } token) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, KubeJson.Default.JsonNode));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType!);
        }
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw Unreachable(e);
        }
        if (response.IsSuccessStatusCode) return response;
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync(cancel).ConfigureAwait(false);
            throw Failure(response.StatusCode, Parse(text), text);
        }
    }

    private static KubeException Failure(HttpStatusCode code, JsonObject? status, string? text = null) =>
        new(code, (string?)status?["reason"] ?? "", (string?)status?["message"] ?? (string.IsNullOrWhiteSpace(text) ? $"HTTP status {(int)code}" : text.Trim()), status);

    private KubeException Unreachable(Exception e) => new(0, "", $"{_options.Server}: {e.GetBaseException().Message}", null, e);

    private static JsonObject? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Query(params (string Name, string? Value)[] parameters)
    {
        var given = string.Join('&', parameters.Where(p => !string.IsNullOrEmpty(p.Value)).Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value!)}"));
        return given.Length == 0 ? "" : "?" + given;
    }

    internal static SocketsHttpHandler CreateHandler(KubeClientOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.GZip,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            EnableMultipleHttp2Connections = true,
            KeepAlivePingDelay = TimeSpan.FromSeconds(15),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
        };
        handler.SslOptions.CertificateRevocationCheckMode = X509RevocationMode.NoCheck;
        if (options.ClientCertificate is { } certificate) handler.SslOptions.ClientCertificates = [certificate];
        if (options.SkipVerification) handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        else if (options.Authorities is { } authorities)
        {
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }
        return handler;
    }
}
