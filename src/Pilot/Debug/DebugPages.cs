using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.Pilot.Discovery;
using Lateen.Pilot.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Lateen.Pilot.Debug;

/// <summary>
/// The pages below <c>/debug</c> (inventory PIL-140; pilot/pkg/xds/debug.go): what Pilot knows, and what each proxy asked for,
/// has and should have. Any thread.
/// </summary>
internal sealed class DebugPages(DiscoveryServer discovery, PilotSources sources)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Adds every page.</summary>
    public void Map(IEndpointRouteBuilder endpoints)
    {
        (string Name, string What, Func<HttpContext, Task> Serve)[] pages =
        [
            ("adsz", "Proxies that are connected; push=true sends all of them everything anew", ServeConnectionsAsync),
            ("authenticationz", "How the proxy proxyID and its destinations agree about TLS", context => ForProxyAsync(context, p => ProxyPages.Authentication(discovery, p))),
            ("cdsz", "Clusters of the proxy proxyID, or of all", context => ForProxiesAsync(context, p => ProxyPages.Clusters(discovery, p))),
            ("config_dump", "Everything that the proxy proxyID should have, as Envoy's own page", context => ForProxyAsync(context, p => ProxyPages.ConfigDump(discovery, p))),
            ("configz", "Istio's objects", context => WriteAsync(context, MeshPages.Configuration(sources.Store))),
            ("edsz", "Endpoints of the proxy proxyID, or of all", context => ForProxiesAsync(context, p => ProxyPages.Endpoints(discovery, p))),
            ("endpointz", "Endpoints of all services; brief for one line each", ServeEndpointsAsync),
            ("push_status", "What was refused, and the snapshot that proxies get", context => WriteAsync(context, MeshPages.Status(discovery.Current, sources.Rejected))),
            ("registryz", "Services of all registries", context => WriteAsync(context, MeshPages.Services(discovery.Current))),
            ("syncz", "What each proxy was sent and accepted", context => WriteAsync(context, ProxyPages.Synchronization(discovery))),
        ];
        foreach (var (name, _, serve) in pages) endpoints.MapGet($"/debug/{name}", context => serve(context));
        var index = string.Concat(pages.Select(p => $"/debug/{p.Name}: {p.What}\n"));
        endpoints.MapGet("/debug", context => context.Response.WriteAsync(index, context.RequestAborted));
    }

    private Task ServeConnectionsAsync(HttpContext context)
    {
        if ((string?)context.Request.Query["push"] is not { Length: > 0 } push || push == "false") return WriteAsync(context, ProxyPages.Connections(discovery));
        var count = discovery.Proxies.Count;
        discovery.PushAll();
        return context.Response.WriteAsync($"Pushed to {count} servers\n", context.RequestAborted);
    }

    private Task ServeEndpointsAsync(HttpContext context) => context.Request.Query.ContainsKey("brief")
        ? context.Response.WriteAsync(MeshPages.BriefEndpoints(discovery.Current), context.RequestAborted)
        : WriteAsync(context, MeshPages.Endpoints(discovery.Current));

    /// <summary>A page of one proxy, which must be named.</summary>
    private Task ForProxyAsync(HttpContext context, Func<ProxyConnection, JsonNode> page)
    {
        if ((string?)context.Request.Query["proxyID"] is not { Length: > 0 } id) return FailAsync(context, StatusCodes.Status400BadRequest, "You must provide a proxyID in the query string");
        return Find(id) is { } proxy
            ? WriteAsync(context, page(proxy))
            : FailAsync(context, StatusCodes.Status404NotFound, "Proxy not connected to this Pilot instance. It may be connected to another instance.");
    }

    /// <summary>A page of one proxy, or of each where none is named.</summary>
    private Task ForProxiesAsync(HttpContext context, Func<ProxyConnection, JsonNode> page) => context.Request.Query.ContainsKey("proxyID")
        ? ForProxyAsync(context, page)
        : WriteAsync(context, new JsonArray([.. discovery.Proxies.OrderBy(p => p.Id, StringComparer.Ordinal).Select(p => new JsonObject { ["node"] = p.Id, ["resources"] = page(p) })]));

    /// <summary>By connection, node id, or <c>pod.namespace</c>; of several the newest connection.</summary>
    private ProxyConnection? Find(string id) =>
        discovery.Proxies.Where(p => p.Id == id || p.Node.Id == id || p.Node.Name == id).OrderByDescending(p => p.Connected).FirstOrDefault();

    private static Task FailAsync(HttpContext context, int status, string reason)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(reason + "\n", context.RequestAborted);
    }

    private static Task WriteAsync(HttpContext context, JsonNode json)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json.ToJsonString(Indented) + "\n", context.RequestAborted);
    }
}
