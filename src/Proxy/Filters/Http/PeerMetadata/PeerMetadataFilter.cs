using System.Text;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Upstream.Balancers;

namespace Lateen.Proxy.Filters.Http.PeerMetadata;

/// <summary>
/// Istio's metadata exchange over HTTP: takes the peer's description of itself out of requests and responses, and puts this
/// proxy's own into them. Immutable, but for a cache for each worker. Source: Istio's proxy, source/extensions/filters/http/peer_metadata.
/// </summary>
internal sealed class PeerMetadataFilter : IHttpFilter
{
    private const int MostCached = 500;
    private readonly PeerMetadataSettings _settings;
    private readonly byte[] _id, _value;
    private readonly Dictionary<ulong, (byte[] Sent, WorkloadFacts? Facts)>?[] _caches;

    public PeerMetadataFilter(PeerMetadataSettings settings, FilterContext context)
    {
        _settings = settings;
        _id = Encoding.UTF8.GetBytes(context.Node.Id);
        _value = Encoding.ASCII.GetBytes(WorkloadFacts.Of(context.Node.Metadata, settings.AdditionalLabels).ToBase64());
        _caches = new Dictionary<ulong, (byte[], WorkloadFacts?)>?[context.Stats.Workers];
    }

    public ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        if (_settings.FindsDownstream) Discover(exchange, exchange.Request, WorkloadFacts.DownstreamKey, remember: true);
        if (_settings.TellsUpstream && !SkipsCluster(exchange))
        {
            exchange.Request.Set("x-envoy-peer-metadata-id"u8, _id);
            exchange.Request.Set("x-envoy-peer-metadata"u8, _value);
        }
        return new ValueTask<FilterResult>(FilterResult.Continue);
    }

    public void OnResponse(HttpExchange exchange)
    {
        if (_settings.FindsUpstream) Discover(exchange, exchange.Response, WorkloadFacts.UpstreamKey, remember: false);
        // Only a client that takes part is told.
        if (!_settings.TellsDownstream || !exchange.PeerAsked) return;
        exchange.Response.Set("x-envoy-peer-metadata-id"u8, _id);
        exchange.Response.Set("x-envoy-peer-metadata"u8, _value);
    }

    private void Discover(HttpExchange exchange, HeaderMap headers, string key, bool remember)
    {
        if (headers.TryGet("x-envoy-peer-metadata"u8, out var sent))
        {
            if (remember) exchange.PeerAsked = true;
            if (!sent.IsEmpty && exchange.Info.FilterState.Find(key) is null && Lookup(exchange, sent) is { } facts) exchange.Info.FilterState.Set(key, facts);
            headers.Remove("x-envoy-peer-metadata"u8);
        }
        headers.Remove("x-envoy-peer-metadata-id"u8);
    }

    /// <summary>A peer sends the same bytes with every message: they are read once.</summary>
    private WorkloadFacts? Lookup(HttpExchange exchange, ReadOnlySpan<byte> sent)
    {
        var cache = _caches[exchange.Worker.Index] ??= [];
        var hash = Hashing.Of(sent);
        if (cache.TryGetValue(hash, out var known) && sent.SequenceEqual(known.Sent)) return known.Facts;
        if (cache.Count >= MostCached) cache.Clear();
        var facts = WorkloadFacts.Parse(sent, _settings.AdditionalLabels);
        cache[hash] = (sent.ToArray(), facts);
        return facts;
    }

    /// <summary>Workloads outside the mesh are told nothing.</summary>
    private bool SkipsCluster(HttpExchange exchange)
    {
        if (exchange.ClusterName is not { } name) return false;
        if (_settings.SkipsExternal && name == "PassthroughCluster") return true;
        return exchange.Context.Clusters.Current.Find(name)?.Snapshot.IstioMetadata is { } metadata && (_settings.SkipsExternal && IsTrue(metadata, "external") || IsTrue(metadata, "disable_mx"));
    }

    private static bool IsTrue(Struct metadata, string key) => metadata.Fields.TryGetValue(key, out var value) && value is { KindCase: Value.KindOneofCase.BoolValue, BoolValue: true };
}
