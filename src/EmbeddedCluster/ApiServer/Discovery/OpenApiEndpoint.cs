using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Microsoft.AspNetCore.Http;

namespace Lateen.EmbeddedCluster.ApiServer.Discovery;

/// <summary>Serves /openapi/v2 and /openapi/v3. Any thread.</summary>
internal sealed class OpenApiEndpoint(ResourceRegistry registry)
{
    private const string Protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

    private sealed record Made(ResourceCatalog Catalog, OpenApiDocuments Documents);

    private volatile Made? _made;

    /// <summary>Answers the document's request; false when the path is none.</summary>
    public async Task<bool> TryAsync(HttpContext http)
    {
        var path = http.Request.Path.Value ?? "";
        if (!path.StartsWith("/openapi/", StringComparison.Ordinal)) return false;
        if (http.Request.Method is not ("GET" or "HEAD")) throw ApiException.MethodNotAllowed();
        var documents = Documents();
        if (path == "/openapi/v2") await WriteSecondAsync(http, documents).ConfigureAwait(false);
        else if (path.TrimEnd('/') == "/openapi/v3") await ApiResponse.WriteAsync(http, 200, documents.Index(), Representation.Json).ConfigureAwait(false);
        else if (path.StartsWith("/openapi/v3/", StringComparison.Ordinal)) await WriteThirdAsync(http, documents, path["/openapi/v3/".Length..]).ConfigureAwait(false);
        else return false;
        return true;
    }

    private OpenApiDocuments Documents()
    {
        var catalog = registry.Current;
        if (_made is { } known && ReferenceEquals(known.Catalog, catalog)) return known.Documents;
        var made = new Made(catalog, new OpenApiDocuments(catalog));
        _made = made;
        return made.Documents;
    }

    private static Task WriteSecondAsync(HttpContext http, OpenApiDocuments documents)
    {
        // Older clients write an @ where newer ones write a dot.
        if (!http.Request.Headers.Accept.ToString().Contains("proto-openapi.spec.v2", StringComparison.Ordinal))
            return ApiResponse.WriteAsync(http, 200, documents.SecondJson, Representation.Json);
        return ApiResponse.WriteAsync(http, 200, documents.SecondProtobuf, Representation.Json with { MediaType = Protobuf });
    }

    private static Task WriteThirdAsync(HttpContext http, OpenApiDocuments documents, string path)
    {
        var body = documents.Third(path) ?? throw ApiException.NoSuchPath();
        var hash = documents.HashOf(path);
        http.Response.Headers.ETag = $"\"{hash}\"";
        if (http.Request.Query["hash"] == hash) http.Response.Headers.CacheControl = "public, immutable";
        return ApiResponse.WriteAsync(http, 200, body, Representation.Json);
    }
}
