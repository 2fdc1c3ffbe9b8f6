using System.Text;
using Envoy.Config.Core.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Lateen.Api;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Filters.Http;
using Lateen.Proxy.Filters.Http.Extensions;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Http.Http2;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Tracing;

namespace Lateen.Proxy.Compile;

/// <summary>HttpConnectionManager → <see cref="HcmSnapshot"/>. Tables from RDS come through slots that it asks for by name; filters from ECDS through slots that it has filled.</summary>
internal sealed class HcmCompiler(ProxyContext context, Func<string, ConfigOrigin, RouteSlot> slotOf, Action<ExtensionSlot> fill, Func<string, bool> isCluster)
{
    public HcmSnapshot Compile(HttpConnectionManager hcm, TrafficDirection direction, string path)
    {
        var routes = hcm.RouteSpecifierCase switch
        {
            HttpConnectionManager.RouteSpecifierOneofCase.Rds => slotOf(hcm.Rds.RouteConfigName, ConfigOrigin.Of(hcm.Rds.ConfigSource, path + ".rds.config_source")),
            HttpConnectionManager.RouteSpecifierOneofCase.RouteConfig => Inline(hcm.RouteConfig, path + ".route_config."),
            var other => throw new ConfigRefusedException(path + ".route_specifier", $"{other} is not supported"),
        };
        var upgrades = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < hcm.UpgradeConfigs.Count; i++)
            if (!upgrades.Add(hcm.UpgradeConfigs[i].UpgradeType))
                throw new ConfigRefusedException($"{path}.upgrade_configs[{i}]", $"{hcm.UpgradeConfigs[i].UpgradeType} is there twice");
        if (hcm.CodecType == HttpConnectionManager.Types.CodecType.Http3)
            throw new ConfigRefusedException(path + ".codec_type", $"{hcm.CodecType} is not supported");
        return new HcmSnapshot
        {
            Stats = context.Stats.Group($"http.{hcm.StatPrefix}.", HttpStats.Create),
            Http2Stats = context.Stats.Group("http2.", Http2Stats.Create),
            Codec = hcm.CodecType switch
            {
                HttpConnectionManager.Types.CodecType.Http1 => CodecKind.Http1,
                HttpConnectionManager.Types.CodecType.Http2 => CodecKind.Http2,
                _ => CodecKind.Auto,
            },
            Http2 = Http2Options.Compile(hcm.Http2ProtocolOptions, path + ".http2_protocol_options"),
            DrainTimeoutMs = Durations.Ms(hcm.DrainTimeout) ?? 5000,
            Routes = routes,
            Filters = Filters(hcm, direction, path),
            Tracing = TracingCompiler.Compile(hcm, direction, context, path),
            AccessLogs = AccessLogCompiler.Compile(hcm.AccessLog, context, path + ".access_log"),
            Limits = new Http1Limits((int)(hcm.MaxRequestHeadersKb ?? 60) * 1024, (int)(hcm.CommonHttpProtocolOptions?.MaxHeadersCount ?? 100), hcm.HttpProtocolOptions?.AcceptHttp10 ?? false),
            ServerName = Encoding.ASCII.GetBytes(hcm.ServerName.Length > 0 ? hcm.ServerName : "envoy"),
            ServerHeader = hcm.ServerHeaderTransformation switch
            {
                HttpConnectionManager.Types.ServerHeaderTransformation.AppendIfAbsent => ServerHeader.AppendIfAbsent,
                HttpConnectionManager.Types.ServerHeaderTransformation.PassThrough => ServerHeader.PassThrough,
                _ => ServerHeader.Overwrite,
            },
            UseRemoteAddress = hcm.UseRemoteAddress ?? false,
            TrustedHops = (int)hcm.XffNumTrustedHops,
            SkipForwardedFor = hcm.SkipXffAppend,
            GenerateRequestId = hcm.GenerateRequestId ?? true,
            PreserveExternalRequestId = hcm.PreserveExternalRequestId,
            AlwaysSetRequestIdInResponse = hcm.AlwaysSetRequestIdInResponse,
            ClientCert = hcm.ForwardClientCertDetails switch
            {
                HttpConnectionManager.Types.ForwardClientCertDetails.ForwardOnly => ClientCertHeader.ForwardOnly,
                HttpConnectionManager.Types.ForwardClientCertDetails.AppendForward => ClientCertHeader.AppendForward,
                HttpConnectionManager.Types.ForwardClientCertDetails.SanitizeSet => ClientCertHeader.SanitizeSet,
                HttpConnectionManager.Types.ForwardClientCertDetails.AlwaysForwardOnly => ClientCertHeader.AlwaysForward,
                _ => ClientCertHeader.Sanitize,
            },
            ClientCertDetails = CertDetails(hcm, path),
            Via = Encoding.ASCII.GetBytes(hcm.Via),
            // differs: Envoy leaves paths as they are when the field is absent; its guide for edge proxies asks for this.
            NormalizePath = hcm.NormalizePath ?? true,
            MergeSlashes = hcm.MergeSlashes,
            EscapedSlashes = hcm.PathWithEscapedSlashesAction switch
            {
                HttpConnectionManager.Types.PathWithEscapedSlashesAction.RejectRequest => EscapedSlashes.Reject,
                HttpConnectionManager.Types.PathWithEscapedSlashesAction.UnescapeAndRedirect => EscapedSlashes.UnescapeAndRedirect,
                HttpConnectionManager.Types.PathWithEscapedSlashesAction.UnescapeAndForward => EscapedSlashes.UnescapeAndForward,
                _ => EscapedSlashes.Keep,
            },
            UnderscoreHeaders = hcm.CommonHttpProtocolOptions?.HeadersWithUnderscoresAction switch
            {
                Envoy.Config.Core.V3.HttpProtocolOptions.Types.HeadersWithUnderscoresAction.RejectRequest => UnderscoreHeaders.Reject,
                Envoy.Config.Core.V3.HttpProtocolOptions.Types.HeadersWithUnderscoresAction.DropHeader => UnderscoreHeaders.Drop,
                _ => UnderscoreHeaders.Allow,
            },
            AllowWebSocket = hcm.UpgradeConfigs.Any(upgrade => upgrade.UpgradeType.Equals("websocket", StringComparison.OrdinalIgnoreCase) && upgrade.Enabled is not false),
            AllowConnect = hcm.UpgradeConfigs.Any(upgrade => upgrade.UpgradeType.Equals("connect", StringComparison.OrdinalIgnoreCase) && upgrade.Enabled is not false),
            Proxy100Continue = hcm.Proxy100Continue,
            EnableTrailers = hcm.HttpProtocolOptions?.EnableTrailers ?? false,
            IdleTimeoutMs = Durations.Ms(hcm.CommonHttpProtocolOptions?.IdleTimeout) ?? 3_600_000,
            StreamIdleTimeoutMs = Durations.Ms(hcm.StreamIdleTimeout) ?? 300_000,
            MaxStreamDurationMs = Durations.Ms(hcm.CommonHttpProtocolOptions?.MaxStreamDuration) ?? 0,
            RequestTimeoutMs = Durations.Ms(hcm.RequestTimeout) ?? 0,
            RequestHeadersTimeoutMs = Durations.Ms(hcm.RequestHeadersTimeout) ?? 0,
            MaxConnectionDurationMs = Durations.Ms(hcm.CommonHttpProtocolOptions?.MaxConnectionDuration) ?? 0,
            MaxRequestsPerConnection = hcm.CommonHttpProtocolOptions?.MaxRequestsPerConnection ?? 0,
            DelayedCloseMs = Durations.Ms(hcm.DelayedCloseTimeout) ?? 1000,
            SuppressEnvoyHeaders = SuppressesHeaders(hcm),
        };
    }

    private RouteSlot Inline(Envoy.Config.Route.V3.RouteConfiguration table, string path)
    {
        if (table.ValidateClusters ?? true) RouteRules.CheckClusters(table, isCluster, path);
        return new RouteSlot("") { Table = RouteCompiler.Compile(table) };
    }

    private static ClientCertDetails CertDetails(HttpConnectionManager hcm, string path)
    {
        if (hcm.ForwardClientCertMatcher is not null) throw new ConfigRefusedException(path + ".forward_client_cert_matcher", "is not supported");
        if (hcm.SetCurrentClientCertDetails is not { } wanted) return ClientCertDetails.None;
        if (wanted.Chain) throw new ConfigRefusedException(path + ".set_current_client_cert_details.chain", "is not supported");
        return (wanted.Cert ? ClientCertDetails.Cert : 0) | (wanted.Subject is true ? ClientCertDetails.Subject : 0)
            | (wanted.Uri ? ClientCertDetails.Uri : 0) | (wanted.Dns ? ClientCertDetails.Dns : 0);
    }

    private static bool SuppressesHeaders(HttpConnectionManager hcm) =>
        hcm.HttpFilters.LastOrDefault()?.TypedConfig is { } last && last.TryRead<Envoy.Extensions.Filters.Http.Router.V3.Router>(out var router) && router.SuppressEnvoyHeaders;

    private HttpFilterSlot[] Filters(HttpConnectionManager hcm, TrafficDirection direction, string path)
    {
        var filters = new List<HttpFilterSlot>();
        for (var i = 0; i < hcm.HttpFilters.Count; i++)
        {
            var filter = hcm.HttpFilters[i];
            var at = $"{path}.http_filters[{i}]";
            var isLast = i == hcm.HttpFilters.Count - 1;
            var isRouter = filter.TypedConfig?.Is(Envoy.Extensions.Filters.Http.Router.V3.Router.Descriptor) == true;
            if (isLast != isRouter) throw new ConfigRefusedException(at, isLast ? "the last filter must be the router" : "the router must be the last filter");
            if (isRouter) break;
            var own = new FilterContext(filter.Name, $"http.{hcm.StatPrefix}.", context.Stats) { Node = context.Node, Direction = direction };
            if (filter.ConfigTypeCase == HttpFilter.ConfigTypeOneofCase.ConfigDiscovery)
            {
                var slot = new ExtensionSlot(filter.ConfigDiscovery, own, at + ".config_discovery");
                fill(slot);
                filters.Add(new HttpFilterSlot(filter.Name, new DiscoveredFilter(slot), filter.Disabled));
            }
            else if (FilterCatalog.Compile(filter, at, own) is { } made) filters.Add(made);
        }
        return [.. filters];
    }
}
