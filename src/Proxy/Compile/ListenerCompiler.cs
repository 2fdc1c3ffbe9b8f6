using System.Text;
using Envoy.Config.Accesslog.V3;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Lateen.Foundation.Net;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Filters.Network;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using TcpProxyConfig = Envoy.Extensions.Filters.Network.TcpProxy.V3.TcpProxy;

namespace Lateen.Proxy.Compile;

/// <summary>
/// Listener → <see cref="ListenerSnapshot"/>. What is not supported is refused with its path. The parts of a chain put what
/// they depend on into the list of needs while the chain is compiled.
/// </summary>
internal sealed class ListenerCompiler(StatsStore stats, HcmCompiler hcm, List<IDependency> needs)
{
    /// <summary>Compiles a listener; chains whose message is the same as in <paramref name="previous"/> stay the same objects.</summary>
    public ListenerSnapshot Compile(Listener listener, ListenerSnapshot? previous)
    {
        if (listener.Address is null) throw new ConfigRefusedException("address", "is missing");
        var known = (previous?.Chains ?? []).Append(previous?.Default).OfType<ChainSnapshot>().ToDictionary(chain => chain.Fingerprint, chain => chain);
        var filters = ListenerFilters(listener);
        var address = Addresses.Of(listener.Address, "address");
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
            InspectTimeoutMs = Durations.Ms(listener.ListenerFiltersTimeout) ?? 15_000,
            ContinueOnInspectTimeout = listener.ContinueOnListenerFiltersTimeout,
            Backlog = (int)(listener.TcpBacklogSize ?? 1024),
            Chains = [.. listener.FilterChains.Select((chain, i) => Chain(chain, $"filter_chains[{i}]", known))],
            Default = listener.DefaultFilterChain is { } fallback ? Chain(fallback, "default_filter_chain", known) : null,
            AccessLogs = AccessLogCompiler.Compile(listener.AccessLog, "access_log"),
            Stats = stats.Group($"listener.{(listener.StatPrefix.Length > 0 ? listener.StatPrefix : address.ToString().Replace(':', '_'))}.", ListenerStats.Create),
            Fingerprint = Fingerprints.Of(listener),
        };
    }

    private ChainSnapshot Chain(FilterChain chain, string path, Dictionary<ulong, ChainSnapshot> known)
    {
        var fingerprint = Fingerprints.Of(chain);
        if (known.TryGetValue(fingerprint, out var same)) return same;
        if (chain.TransportSocket is { } socket && socket.TypedConfig?.TypeUrl.EndsWith("RawBuffer", StringComparison.Ordinal) != true)
            throw new ConfigRefusedException(path + ".transport_socket", $"{socket.Name} is not supported: downstream TLS is not there yet");
        needs.Clear();
        NetworkFilterSnapshot? terminal = null;
        var before = new List<INetworkFilter>();
        for (var i = 0; i < chain.Filters.Count; i++)
        {
            var at = $"{path}.filters[{i}]";
            if (terminal is not null) throw new ConfigRefusedException(at, "comes after a filter that ends the chain");
            if (chain.Filters[i].TypedConfig is { } config && FilterCatalog.CompileNetwork(config, at, new FilterContext(chain.Filters[i].Name, "", stats)) is { } filter) before.Add(filter);
            else terminal = NetworkFilter(chain.Filters[i], at);
        }
        if (terminal is null && chain.Filters.Count > 0) throw new ConfigRefusedException($"{path}.filters[{chain.Filters.Count - 1}]", "is the last filter but does not end the chain");
        return new ChainSnapshot(chain.Name, Match(chain.FilterChainMatch, path + ".filter_chain_match"), terminal ?? new CloseFilterSnapshot(), fingerprint)
        {
            Needs = [.. needs],
            Before = [.. before],
        };
    }

    private NetworkFilterSnapshot NetworkFilter(Filter filter, string path)
    {
        if (filter.ConfigTypeCase != Filter.ConfigTypeOneofCase.TypedConfig) throw new ConfigRefusedException(path, $"{filter.Name} has no typed_config");
        if (filter.TypedConfig.TryUnpack<HttpConnectionManager>(out var http)) return new HttpFilterSnapshot(hcm.Compile(http, path + ".typed_config"));
        if (filter.TypedConfig.TryUnpack<TcpProxyConfig>(out var tcp)) return Tcp(tcp, path + ".typed_config");
        throw new ConfigRefusedException(path, $"the network filter {filter.Name} ({filter.TypedConfig.TypeUrl}) is not supported");
    }

    private TcpFilterSnapshot Tcp(TcpProxyConfig tcp, string path)
    {
        var clusters = tcp.ClusterSpecifierCase == TcpProxyConfig.ClusterSpecifierOneofCase.WeightedClusters
            ? tcp.WeightedClusters.Clusters.Select(cluster => (cluster.Name, (int)cluster.Weight)).ToArray()
            : [(tcp.Cluster, 1)];
        if (clusters.Length == 0 || clusters.Sum(cluster => cluster.Item2) <= 0) throw new ConfigRefusedException(path + ".weighted_clusters", "the weights add up to 0");
        if (tcp.TunnelingConfig is not null) throw new ConfigRefusedException(path + ".tunneling_config", "is not supported");
        return new TcpFilterSnapshot(
            clusters, stats.Group($"tcp.{tcp.StatPrefix}.", TcpStats.Create), AccessLogCompiler.Compile(tcp.AccessLog, path + ".access_log"),
            Durations.Ms(tcp.IdleTimeout) ?? 3_600_000, (int)(tcp.MaxConnectAttempts ?? 1));
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

    private static IpPrefix[] Ranges(IEnumerable<Envoy.Config.Core.V3.CidrRange> ranges, string path) =>
    [
        .. ranges.Select((range, i) => IpPrefix.TryParse($"{range.AddressPrefix}/{range.PrefixLen ?? 0}", out var prefix)
            ? prefix
            : throw new ConfigRefusedException($"{path}[{i}]", $"'{range.AddressPrefix}/{range.PrefixLen}' is not an address range")),
    ];

    private static (bool OriginalDestination, bool Tls, bool Http, (int, int)[] TlsOff, (int, int)[] HttpOff) ListenerFilters(Listener listener)
    {
        bool original = false, tls = false, http = false;
        (int, int)[] tlsOff = [], httpOff = [];
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
                default:
                    throw new ConfigRefusedException(path, $"the listener filter {filter.Name} is not supported");
            }
        }
        return (original, tls, http, tlsOff, httpOff);
    }

    private static (int, int)[] PortsOf(ListenerFilterChainMatchPredicate? predicate, string path) => predicate?.RuleCase switch
    {
        null => [],
        ListenerFilterChainMatchPredicate.RuleOneofCase.DestinationPortRange => [(predicate.DestinationPortRange.Start, predicate.DestinationPortRange.End)],
        ListenerFilterChainMatchPredicate.RuleOneofCase.OrMatch => [.. predicate.OrMatch.Rules.SelectMany(rule => PortsOf(rule, path))],
        var other => throw new ConfigRefusedException(path + ".filter_disabled", $"{other} is not supported"),
    };
}

/// <summary>AccessLog → loggers.</summary>
internal static class AccessLogCompiler
{
    public static AccessLogs.AccessLog[] Compile(IReadOnlyList<AccessLog> logs, string path) => [.. logs.Select((log, i) => Compile(log, $"{path}[{i}]"))];

    private static AccessLogs.AccessLog Compile(AccessLog log, string path)
    {
        var at = path + ".typed_config";
        if (log.TypedConfig.TryUnpack<Envoy.Extensions.AccessLoggers.File.V3.FileAccessLog>(out var file))
        {
            AccessLogs.LogFormat format = file.AccessLogFormatCase switch
            {
#pragma warning disable CS0612 // The older forms are still sent.
                Envoy.Extensions.AccessLoggers.File.V3.FileAccessLog.AccessLogFormatOneofCase.Format => new AccessLogs.TextFormat(file.Format, at + ".format"),
                Envoy.Extensions.AccessLoggers.File.V3.FileAccessLog.AccessLogFormatOneofCase.JsonFormat => new AccessLogs.JsonFormat(file.JsonFormat, at + ".json_format"),
                Envoy.Extensions.AccessLoggers.File.V3.FileAccessLog.AccessLogFormatOneofCase.TypedJsonFormat => new AccessLogs.JsonFormat(file.TypedJsonFormat, at + ".typed_json_format"),
#pragma warning restore CS0612
                Envoy.Extensions.AccessLoggers.File.V3.FileAccessLog.AccessLogFormatOneofCase.LogFormat => Format(file.LogFormat, at + ".log_format"),
                _ => new AccessLogs.TextFormat(AccessLogs.LogFormat.EnvoyDefault, at),
            };
            return new AccessLogs.AccessLog(format, AccessLogs.LogFileSink.For(file.Path), Filter(log.Filter, path + ".filter"));
        }
        if (log.TypedConfig.TryUnpack<Envoy.Extensions.AccessLoggers.Stream.V3.StdoutAccessLog>(out var stdout))
            return new AccessLogs.AccessLog(
                stdout.LogFormat is { } given ? Format(given, at + ".log_format") : new AccessLogs.TextFormat(AccessLogs.LogFormat.EnvoyDefault, at),
                AccessLogs.LogFileSink.For("/dev/stdout"), Filter(log.Filter, path + ".filter"));
        throw new ConfigRefusedException(path, $"the access logger {log.Name} ({log.TypedConfig?.TypeUrl}) is not supported");
    }

    private static AccessLogs.LogFormat Format(Envoy.Config.Core.V3.SubstitutionFormatString format, string path) => format.FormatCase switch
    {
#pragma warning disable CS0612 // The older form is still sent.
        Envoy.Config.Core.V3.SubstitutionFormatString.FormatOneofCase.TextFormat => new AccessLogs.TextFormat(format.TextFormat, path + ".text_format"),
#pragma warning restore CS0612
        Envoy.Config.Core.V3.SubstitutionFormatString.FormatOneofCase.JsonFormat => new AccessLogs.JsonFormat(format.JsonFormat, path + ".json_format"),
        Envoy.Config.Core.V3.SubstitutionFormatString.FormatOneofCase.TextFormatSource => new AccessLogs.TextFormat(format.TextFormatSource.InlineString, path + ".text_format_source"),
        _ => throw new ConfigRefusedException(path, "has no format"),
    };

    private static Func<StreamInfo, bool>? Filter(AccessLogFilter? filter, string path) => filter?.FilterSpecifierCase switch
    {
        null or AccessLogFilter.FilterSpecifierOneofCase.None => null,
        AccessLogFilter.FilterSpecifierOneofCase.ResponseFlagFilter => Flags(filter.ResponseFlagFilter),
        AccessLogFilter.FilterSpecifierOneofCase.StatusCodeFilter => Status(filter.StatusCodeFilter.Comparison),
        AccessLogFilter.FilterSpecifierOneofCase.AndFilter => All([.. filter.AndFilter.Filters.Select((inner, i) => Filter(inner, $"{path}.and_filter.filters[{i}]"))]),
        AccessLogFilter.FilterSpecifierOneofCase.OrFilter => Any([.. filter.OrFilter.Filters.Select((inner, i) => Filter(inner, $"{path}.or_filter.filters[{i}]"))]),
        var other => throw new ConfigRefusedException(path, $"the filter {other} is not supported"),
    };

    private static Func<StreamInfo, bool> All(Func<StreamInfo, bool>?[] filters) => info => filters.All(filter => filter?.Invoke(info) ?? true);

    private static Func<StreamInfo, bool> Any(Func<StreamInfo, bool>?[] filters) => info => filters.Any(filter => filter?.Invoke(info) ?? true);

    private static Func<StreamInfo, bool> Flags(ResponseFlagFilter filter)
    {
        if (filter.Flags.Count == 0) return info => info.Flags != ResponseFlags.None;
        var wanted = filter.Flags.Aggregate(ResponseFlags.None, (all, word) => all | word switch
        {
            "UH" => ResponseFlags.NoHealthyUpstream,
            "UF" => ResponseFlags.ConnectFailure,
            "UO" => ResponseFlags.UpstreamOverflow,
            "NR" => ResponseFlags.NoRoute,
            "URX" => ResponseFlags.RetryLimitExceeded,
            "NC" => ResponseFlags.NoCluster,
            "DC" => ResponseFlags.DownstreamTermination,
            "UC" => ResponseFlags.UpstreamTermination,
            "UT" => ResponseFlags.UpstreamTimeout,
            "SI" => ResponseFlags.StreamIdleTimeout,
            "DI" => ResponseFlags.DelayInjected,
            "FI" => ResponseFlags.FaultInjected,
            "DPE" => ResponseFlags.DownstreamProtocolError,
            "UPE" => ResponseFlags.UpstreamProtocolError,
            "UR" => ResponseFlags.UpstreamRemoteReset,
            "DT" => ResponseFlags.DurationTimeout,
            "OM" => ResponseFlags.OverloadManager,
            "RL" => ResponseFlags.RateLimited,
            "UAEX" => ResponseFlags.Unauthorized,
            _ => ResponseFlags.None,
        });
        return info => (info.Flags & wanted) != 0;
    }

    private static Func<StreamInfo, bool> Status(ComparisonFilter comparison)
    {
        var value = (int)(comparison.Value?.DefaultValue ?? 0);
        return comparison.Op switch
        {
            ComparisonFilter.Types.Op.Ge => info => info.Status >= value,
            ComparisonFilter.Types.Op.Le => info => info.Status <= value,
            _ => info => info.Status == value,
        };
    }
}
