using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Lateen.Api;
using Lateen.Foundation.Net;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Filters.Network;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using TcpProxyConfig = Envoy.Extensions.Filters.Network.TcpProxy.V3.TcpProxy;

namespace Lateen.Proxy.Compile;

/// <summary>
/// Listener → <see cref="ListenerSnapshot"/>. What is not supported is refused with its path. The parts of a chain put what
/// they depend on into the list of needs while the chain is compiled.
/// </summary>
internal sealed class ListenerCompiler(ProxyContext context, HcmCompiler hcm, TransportCompiler transports, List<IDependency> needs)
{
    /// <summary>Compiles a listener; chains whose message is the same as in <paramref name="previous"/> stay the same objects.</summary>
    public ListenerSnapshot Compile(Listener listener, ListenerSnapshot? previous)
    {
        if (listener.Address is null) throw new ConfigRefusedException("address", "is missing");
        ChainRules.Check(listener);
        if (listener.ApiListener is not null) throw new ConfigRefusedException("api_listener", "is not supported");
        if (listener.Address.SocketAddress?.Protocol == Envoy.Config.Core.V3.SocketAddress.Types.Protocol.Udp) throw new ConfigRefusedException("address.socket_address.protocol", "UDP is not supported");
        var known = (previous?.Chains ?? []).Append(previous?.Default).OfType<ChainSnapshot>().ToDictionary(chain => chain.Fingerprint, chain => chain);
        var filters = ListenerFilters(listener);
        var address = Addresses.Of(listener.Address, "address");
        var statPrefix = $"listener.{(listener.StatPrefix.Length > 0 ? listener.StatPrefix : address.ToString().Replace(':', '_'))}.";
        return new ListenerSnapshot
        {
            Name = listener.Name.Length > 0 ? listener.Name : address.ToString(),
            Address = address,
#pragma warning disable CS0612 // The older field is what 1.1's control planes send.
            BindToPort = listener.BindToPort ?? listener.DeprecatedV1?.BindToPort ?? true,
#pragma warning restore CS0612
            UseOriginalDestination = listener.UseOriginalDst ?? false,
            RestoreOriginalDestination = filters.OriginalDestination,
            Transparent = listener.Transparent ?? false,
            FreeBind = listener.Freebind ?? false,
            InspectTls = filters.Tls,
            InspectHttp = filters.Http,
            TlsInspectionOff = filters.TlsOff,
            HttpInspectionOff = filters.HttpOff,
            ProxyHeaders = filters.ProxyHeaders,
            InspectTimeoutMs = Durations.Ms(listener.ListenerFiltersTimeout) ?? 15_000,
            ContinueOnInspectTimeout = listener.ContinueOnListenerFiltersTimeout,
            Backlog = (int)(listener.TcpBacklogSize ?? 1024),
            Chains = [.. listener.FilterChains.Select((chain, i) => Chain(chain, listener.TrafficDirection, $"filter_chains[{i}]", known, statPrefix))],
            Default = listener.DefaultFilterChain is { } fallback ? Chain(fallback, listener.TrafficDirection, "default_filter_chain", known, statPrefix) : null,
            AccessLogs = AccessLogCompiler.Compile(listener.AccessLog, context, "access_log"),
            Stats = context.Stats.Group(statPrefix, ListenerStats.Create),
            Fingerprint = Fingerprints.Of(listener),
        };
    }

    private ChainSnapshot Chain(FilterChain chain, TrafficDirection direction, string path, Dictionary<ulong, ChainSnapshot> known, string statPrefix)
    {
        var fingerprint = Fingerprints.Of(chain);
        if (known.TryGetValue(fingerprint, out var same)) return same;
        needs.Clear();
        var tls = transports.Downstream(chain.TransportSocket, path + ".transport_socket", statPrefix);
        if (tls is not null) needs.AddRange(tls.Needs);
        NetworkFilterSnapshot? terminal = null;
        var before = new List<INetworkFilter>();
        for (var i = 0; i < chain.Filters.Count; i++)
        {
            var at = $"{path}.filters[{i}]";
            if (terminal is not null) throw new ConfigRefusedException(at, "comes after a filter that ends the chain");
            if (chain.Filters[i].TypedConfig is { } config && FilterCatalog.CompileNetwork(config, at, new FilterContext(chain.Filters[i].Name, "", context.Stats) { Node = context.Node, Direction = direction }) is { } filter) before.Add(filter);
            else terminal = NetworkFilter(chain.Filters[i], direction, at);
        }
        if (terminal is null && chain.Filters.Count > 0) throw new ConfigRefusedException($"{path}.filters[{chain.Filters.Count - 1}]", "is the last filter but does not end the chain");
        return new ChainSnapshot(chain.Name, Match(chain.FilterChainMatch, path + ".filter_chain_match"), terminal ?? new CloseFilterSnapshot(), fingerprint)
        {
            Needs = [.. needs],
            Before = [.. before],
            Tls = tls,
            HandshakeTimeoutMs = Durations.Ms(chain.TransportSocketConnectTimeout) ?? 0,
        };
    }

    private NetworkFilterSnapshot NetworkFilter(Filter filter, TrafficDirection direction, string path)
    {
        if (filter.ConfigTypeCase != Filter.ConfigTypeOneofCase.TypedConfig) throw new ConfigRefusedException(path, $"{filter.Name} has no typed_config");
        if (filter.TypedConfig.TryRead<HttpConnectionManager>(out var http)) return new HttpFilterSnapshot(hcm.Compile(http, direction, path + ".typed_config"));
        if (filter.TypedConfig.TryRead<TcpProxyConfig>(out var tcp)) return Tcp(tcp, path + ".typed_config");
        throw new ConfigRefusedException(path, $"the network filter {filter.Name} ({filter.TypedConfig.TypeUrl}) is not supported");
    }

    private TcpFilterSnapshot Tcp(TcpProxyConfig tcp, string path)
    {
        var clusters = tcp.ClusterSpecifierCase == TcpProxyConfig.ClusterSpecifierOneofCase.WeightedClusters
            ? tcp.WeightedClusters.Clusters.Select(cluster => (cluster.Name, (int)cluster.Weight)).ToArray()
            : [(tcp.Cluster, 1)];
        if (clusters.Length == 0 || clusters.Sum(cluster => cluster.Item2) <= 0) throw new ConfigRefusedException(path + ".weighted_clusters", "the weights add up to 0");
        RefuseTcp(tcp, path);
        var common = SubsetCompiler.Criteria(tcp.MetadataMatch);
        return new TcpFilterSnapshot(
            clusters, context.Stats.Group($"tcp.{tcp.StatPrefix}.", TcpStats.Create), AccessLogCompiler.Compile(tcp.AccessLog, context, path + ".access_log"),
            Durations.Ms(tcp.IdleTimeout) ?? 3_600_000, (int)Math.Clamp(tcp.MaxConnectAttempts ?? 1, 1, 1000))
        {
            Criteria = tcp.ClusterSpecifierCase == TcpProxyConfig.ClusterSpecifierOneofCase.WeightedClusters
                ? [.. tcp.WeightedClusters.Clusters.Select(cluster => SubsetCompiler.Criteria(cluster.MetadataMatch) is { } own ? common?.With(own) ?? own : common)]
                : [common],
            HashSource = tcp.HashPolicy.Count > 0,
            MaxDurationMs = Durations.Ms(tcp.MaxDownstreamConnectionDuration) ?? 0,
        };
    }

    private static void RefuseTcp(TcpProxyConfig tcp, string path)
    {
        if (tcp.TunnelingConfig is not null) throw new ConfigRefusedException(path + ".tunneling_config", "is not supported");
        if (tcp.OnDemand is not null) throw new ConfigRefusedException(path + ".on_demand", "is not supported");
        if (tcp.DownstreamIdleTimeout is not null) throw new ConfigRefusedException(path + ".downstream_idle_timeout", "is not supported: set idle_timeout");
        if (tcp.UpstreamIdleTimeout is not null) throw new ConfigRefusedException(path + ".upstream_idle_timeout", "is not supported: set idle_timeout");
        if (tcp.BackoffOptions is not null) throw new ConfigRefusedException(path + ".backoff_options", "is not supported");
        if (tcp.MaxDownstreamConnectionDurationJitterPercentage is not null) throw new ConfigRefusedException(path + ".max_downstream_connection_duration_jitter_percentage", "is not supported");
        for (var i = 0; i < tcp.HashPolicy.Count; i++)
            if (tcp.HashPolicy[i].PolicySpecifierCase != Envoy.Type.V3.HashPolicy.PolicySpecifierOneofCase.SourceIp)
                throw new ConfigRefusedException($"{path}.hash_policy[{i}]", $"{tcp.HashPolicy[i].PolicySpecifierCase} is not supported");
    }

    private static ChainMatch Match(FilterChainMatch? match, string path) => match is null ? new ChainMatch() : new ChainMatch
    {
        DestinationPort = (int?)match.DestinationPort,
        Destinations = Ranges(match.PrefixRanges, path + ".prefix_ranges"),
        ServerNames = [.. match.ServerNames.Select(name => name.ToLowerInvariant())],
        Transport = match.TransportProtocol,
        ApplicationProtocols = [.. match.ApplicationProtocols],
        DirectSources = Ranges(match.DirectSourcePrefixRanges, path + ".direct_source_prefix_ranges"),
        Sources = Ranges(match.SourcePrefixRanges, path + ".source_prefix_ranges"),
        SourcePorts = [.. match.SourcePorts.Select(port => (int)port)],
        SourceIsLocal = match.SourceType switch
        {
            FilterChainMatch.Types.ConnectionSourceType.SameIpOrLoopback => true,
            FilterChainMatch.Types.ConnectionSourceType.External => false,
            _ => null,
        },
    };

    private static IpPrefix[] Ranges(IEnumerable<CidrRange> ranges, string path) =>
    [
        .. ranges.Select((range, i) => IpPrefix.TryParse($"{range.AddressPrefix}/{range.PrefixLen ?? 0}", out var prefix)
            ? prefix
            : throw new ConfigRefusedException($"{path}[{i}]", $"'{range.AddressPrefix}/{range.PrefixLen}' is not an address range")),
    ];

    private (bool OriginalDestination, bool Tls, bool Http, (int, int)[] TlsOff, (int, int)[] HttpOff, ProxyHeaderSettings? ProxyHeaders) ListenerFilters(Listener listener)
    {
        bool original = false, tls = false, http = false;
        (int, int)[] tlsOff = [], httpOff = [];
        ProxyHeaderSettings? proxyHeaders = null;
        for (var i = 0; i < listener.ListenerFilters.Count; i++)
        {
            var filter = listener.ListenerFilters[i];
            var path = $"listener_filters[{i}]";
            switch (filter.TypedConfig?.TypeUrl.Split('/')[^1] ?? filter.Name)
            {
                case "envoy.extensions.filters.listener.original_dst.v3.OriginalDst":
                    original = true;
                    break;
                case "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector":
                    (tls, tlsOff) = (true, PortsOf(filter.FilterDisabled, path));
                    break;
                case "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector":
                    (http, httpOff) = (true, PortsOf(filter.FilterDisabled, path));
                    break;
                case "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol":
                    // The header comes before everything else, wherever its filter stands.
                    proxyHeaders = ProxyHeaderSettings.Compile(filter.TypedConfig!.Unpack<Envoy.Extensions.Filters.Listener.ProxyProtocol.V3.ProxyProtocol>(), path + ".typed_config", context.Stats);
                    break;
                default:
                    throw new ConfigRefusedException(path, $"the listener filter {filter.Name} is not supported");
            }
        }
        return (original, tls, http, tlsOff, httpOff, proxyHeaders);
    }

    private static (int, int)[] PortsOf(ListenerFilterChainMatchPredicate? predicate, string path) => predicate?.RuleCase switch
    {
        null => [],
        ListenerFilterChainMatchPredicate.RuleOneofCase.DestinationPortRange => [(predicate.DestinationPortRange.Start, predicate.DestinationPortRange.End)],
        ListenerFilterChainMatchPredicate.RuleOneofCase.OrMatch => [.. predicate.OrMatch.Rules.SelectMany(rule => PortsOf(rule, path))],
        var other => throw new ConfigRefusedException(path + ".filter_disabled", $"{other} is not supported"),
    };
}
