using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Pools;

namespace Lateen.Proxy.Filters.Http.Router;

/// <summary>
/// Sends copies of requests to other clusters and drops the answers. A body is kept until it is whole; one that is too large is not
/// copied. differs: Envoy streams the copy along. Source: envoy.config.route.v3.RouteAction.RequestMirrorPolicy.
/// </summary>
internal static class Mirroring
{
    /// <summary>Sends the copies of a request without a body; gives back those that wait for one, or null.</summary>
    public static MirrorCopies? Send(RouteEntry route, HttpExchange exchange)
    {
        MirrorCopies? waiting = null;
        foreach (var mirror in route.Mirrors)
        {
            if (mirror.Percent < 100 && exchange.Worker.Random.NextDouble() * 100 >= mirror.Percent) continue;
            if (exchange.IsUpgrade || exchange.Context.Clusters.Current.Find(mirror.Cluster) is not { } cluster) continue;
            if (cluster.Pick(exchange.Worker, new LoadBalancerContext(null, exchange.OriginalDestination, null)) is not { } host) continue;
            var copy = new HeaderMap();
            copy.CopyFrom(exchange.Request);
            if (!mirror.KeepHost) copy.Set(KnownHeader.Authority, ShadowHost(exchange.Request[KnownHeader.Authority]));
            var pool = host.PoolOf(exchange.Worker, cluster);
            if (exchange.Bodies.RequestKind == BodyKind.None) _ = RunAsync(pool, copy, exchange.IsHead, BodyKind.None, []);
            else (waiting ??= new MirrorCopies(exchange.Bodies.RequestKind)).Add(pool, copy);
        }
        return waiting;
    }

    internal static async Task RunAsync(HttpPool pool, HeaderMap request, bool isHead, BodyKind kind, IReadOnlyList<byte[]> body)
    {
        var connection = pool.TryTakeIdle() ?? (await pool.ConnectAsync(new ConnectAttempt())).Connection;
        if (connection is null) return;
        connection.BeginRequest(request, kind, upgrade: false);
        var sent = kind != BodyKind.None || await connection.SendAsync(default);
        for (var i = 0; sent && i < body.Count; i++) sent = await connection.SendAsync(body[i]);
        if (sent && kind != BodyKind.None) sent = await connection.EndAsync(null);
        var whole = false;
        if (sent && await ReadHeadAsync(connection, isHead))
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

/// <summary>Copies of one request that wait for its body. Owned by one worker.</summary>
internal sealed class MirrorCopies(BodyKind kind)
{
    /// <summary>Larger bodies are not copied.</summary>
    private const int MostBytes = 1 << 20;
    private readonly List<(HttpPool Pool, HeaderMap Head)> _copies = [];
    private readonly List<byte[]> _body = [];
    private int _bytes;

    public void Add(HttpPool pool, HeaderMap head) => _copies.Add((pool, head));

    public void Add(ReadOnlyMemory<byte> data)
    {
        _bytes += data.Length;
        if (_bytes <= MostBytes) _body.Add(data.ToArray());
        else
        {
            _body.Clear();
            _copies.Clear();
        }
    }

    public void Send()
    {
        foreach (var (pool, head) in _copies) _ = Mirroring.RunAsync(pool, head, isHead: false, kind, _body);
    }
}
