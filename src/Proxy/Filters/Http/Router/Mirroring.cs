using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Pools;

namespace Lateen.Proxy.Filters.Http.Router;

/// <summary>
/// Sends copies of requests that have no body to other clusters and drops the answers. Requests with a body are not copied
/// yet. Source: envoy.config.route.v3.RouteAction.RequestMirrorPolicy.
/// </summary>
internal static class Mirroring
{
    public static void Send(RouteEntry route, HttpExchange exchange)
    {
        foreach (var mirror in route.Mirrors)
        {
            if (mirror.Percent < 100 && exchange.Worker.Random.NextDouble() * 100 >= mirror.Percent) continue;
            if (exchange.Downstream.RequestBody != BodyKind.None || exchange.Context.Clusters.Current.Find(mirror.Cluster) is not { } cluster) continue;
            if (cluster.Pick(exchange.Worker, new LoadBalancerContext(null, exchange.OriginalDestination, null)) is not { } host) continue;
            var copy = new HeaderMap();
            copy.CopyFrom(exchange.Request);
            if (!mirror.KeepHost) copy.Set(KnownHeader.Authority, ShadowHost(exchange.Request[KnownHeader.Authority]));
            _ = RunAsync(host.PoolOf(exchange.Worker, cluster), copy, exchange.IsHead);
        }
    }

    private static async Task RunAsync(HttpPool pool, HeaderMap request, bool isHead)
    {
        var connection = pool.TryTakeIdle() ?? (await pool.ConnectAsync(new ConnectAttempt())).Connection;
        if (connection is null) return;
        connection.BeginRequest(request, BodyKind.None, upgrade: false);
        var whole = false;
        if (await connection.SendAsync(default) && await ReadHeadAsync(connection, isHead))
            while (true)
            {
                var (status, _) = await connection.ReadBodyAsync();
                whole = status == ReadStatus.End;
                if (status != ReadStatus.Ok) break;
                connection.Advance();
            }
        if (whole) connection.Release(requestComplete: true);
        else connection.Close();
    }

    private static async ValueTask<bool> ReadHeadAsync(UpstreamStream connection, bool isHead)
    {
        var response = new HeaderMap();
        while (true)
        {
            var (status, code, _) = await connection.ReadHeadAsync(response, isHead, upgrade: false);
            if (status != ReadStatus.Ok || code >= 200) return status == ReadStatus.Ok;
        }
    }

    private static byte[] ShadowHost(ReadOnlySpan<byte> authority)
    {
        var colon = authority.LastIndexOf((byte)':');
        return colon > 0 ? [.. authority[..colon], .. "-shadow"u8, .. authority[colon..]] : [.. authority, .. "-shadow"u8];
    }
}
