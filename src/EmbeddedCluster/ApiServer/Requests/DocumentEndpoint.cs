using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Discovery;
using Lateen.EmbeddedCluster.ApiServer.Identity;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.Storage;
using Microsoft.AspNetCore.Http;

namespace Lateen.EmbeddedCluster.ApiServer.Requests;

/// <summary>Serves what is not a resource: version, health, discovery, keys. Any thread.</summary>
internal sealed class DocumentEndpoint(ResourceRegistry registry, AccountTokens tokens, string advertised, Func<bool> ready)
{
    /// <summary>The Kubernetes version whose API this is.</summary>
    public const string Version = "v1.35.0";

    /// <summary>Answers what needs no identity; false when the path is none of these.</summary>
    public async Task<bool> TryOpenAsync(HttpContext http)
    {
        var path = http.Request.Path.Value ?? "";
        switch (path)
        {
            case "/version" or "/version/":
                await ApiResponse.WriteAsync(http, 200, VersionDocument(), Representation.Json).ConfigureAwait(false);
                return true;
            case "/healthz" or "/livez" or "/readyz" or "/healthz/ping" or "/livez/ping" or "/readyz/ping":
                var well = ready() || path.StartsWith("/livez", StringComparison.Ordinal);
                await ApiResponse.WriteTextAsync(http, well ? 200 : 500, well ? "ok" : "not ready: the controllers are not in sync").ConfigureAwait(false);
                return true;
            case "/.well-known/openid-configuration":
                await ApiResponse.WriteAsync(http, 200, new JsonObject
                {
                    ["issuer"] = AccountTokens.Issuer, ["jwks_uri"] = $"https://{advertised}/openid/v1/jwks", ["response_types_supported"] = new JsonArray("id_token"),
                    ["subject_types_supported"] = new JsonArray("public"), ["id_token_signing_alg_values_supported"] = new JsonArray("ES256"),
                }, Representation.Json).ConfigureAwait(false);
                return true;
            case "/openid/v1/jwks":
                await ApiResponse.WriteAsync(http, 200, tokens.KeySet(), Representation.Json).ConfigureAwait(false);
                return true;
            default: return false;
        }
    }

    /// <summary>Answers the documents; false when the path is none of these.</summary>
    public async Task<bool> TryAsync(HttpContext http, Representation form)
    {
        var path = (http.Request.Path.Value ?? "").TrimEnd('/');
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var discovery = new DiscoveryDocuments(registry.Current);
        JsonObject? document = parts switch
        {
            [] => new JsonObject { ["paths"] = Paths().ToJsonArray() },
            ["api"] => form.Discovery ? discovery.Aggregated(true, form.DiscoveryVersion) : DiscoveryDocuments.CoreVersions(advertised),
            ["apis"] => form.Discovery ? discovery.Aggregated(false, form.DiscoveryVersion) : discovery.Groups(),
            ["api", var version] => discovery.Resources("", version) ?? throw ApiException.NoSuchPath(),
            ["apis", var group] => discovery.Group(group) ?? throw ApiException.NoSuchPath(),
            ["apis", var group, var version] => discovery.Resources(group, version) ?? throw ApiException.NoSuchPath(),
            _ => null,
        };
        if (document is null) return false;
        if (http.Request.Method is not ("GET" or "HEAD")) throw ApiException.MethodNotAllowed();
        var aggregated = form.Discovery && parts is ["api"] or ["apis"];
        await ApiResponse.WriteAsync(http, 200, document, aggregated ? form : form with { Discovery = false }).ConfigureAwait(false);
        return true;
    }

    private IEnumerable<string> Paths() => registry.Current.Groups
        .SelectMany(group => group.Name.Length == 0 ? (string[])["/api", "/api/v1"] : [$"/apis/{group.Name}", .. group.Versions.Select(version => $"/apis/{group.Name}/{version}")])
        .Concat(["/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/openid/v1/jwks", "/readyz", "/version"]).Order(StringComparer.Ordinal);

    private static JsonObject VersionDocument() => new()
    {
        ["major"] = "1", ["minor"] = "35", ["gitVersion"] = Version, ["gitCommit"] = "", ["gitTreeState"] = "clean", ["buildDate"] = "1970-01-01T00:00:00Z",
        ["goVersion"] = "", ["compiler"] = "dotnet", ["platform"] = "linux/amd64",
    };
}
