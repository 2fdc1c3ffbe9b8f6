using System.Text.Json.Nodes;

namespace Lateen.Agent.Bootstrap;

/// <summary>
/// Writes the bootstrap that Istio gives its proxies, in Envoy's v3 form: node, admin, statistics, the stream to the control
/// plane, and the listeners for metrics and readiness. Pure. Source: Istio 1.30's bootstrap; clear text to the control plane.
/// </summary>
internal static class BootstrapWriter
{
    private const string Types = "type.googleapis.com/";
    private const int AdminPort = 15000, StatusPort = 15020, ReadinessPort = 15021, MetricsPort = 15090;

    public static JsonObject Write(NodeIdentity node, string discoveryAddress, int statusPort = StatusPort)
    {
        var (host, port) = Split(discoveryAddress);
        var identity = new JsonObject { ["id"] = node.Id, ["cluster"] = node.Cluster, ["metadata"] = node.Metadata.DeepClone() };
        if (node.Locality.Length > 0)
        {
            var parts = node.Locality.Replace('.', '/').Split('/');
            identity["locality"] = new JsonObject { ["region"] = parts[0], ["zone"] = parts.ElementAtOrDefault(1) ?? "", ["sub_zone"] = parts.ElementAtOrDefault(2) ?? "" };
        }
        return new JsonObject
        {
            ["node"] = identity,
            ["stats_config"] = Stats(),
            ["admin"] = new JsonObject { ["address"] = Address(node.AdminAddress, AdminPort) },
            ["dynamic_resources"] = new JsonObject
            {
                ["lds_config"] = Ads(),
                ["cds_config"] = Ads(),
                ["ads_config"] = new JsonObject
                {
                    ["api_type"] = "GRPC",
                    ["set_node_on_first_message_only"] = true,
                    ["transport_api_version"] = "V3",
                    ["grpc_services"] = new JsonArray(new JsonObject { ["envoy_grpc"] = new JsonObject { ["cluster_name"] = "xds-grpc" } }),
                },
            },
            ["static_resources"] = new JsonObject
            {
                ["clusters"] = new JsonArray(Static("prometheus_stats", node.AdminAddress, AdminPort), Static("agent", node.AdminAddress, statusPort), ControlPlane(host, port)),
                ["listeners"] = new JsonArray(
                    Listener(node.OwnAddress, MetricsPort, "stats", "/stats/prometheus", "prometheus_stats"), Listener(node.OwnAddress, ReadinessPort, "agent", "/healthz/ready", "agent")),
            },
        };
    }

    private static JsonObject Ads() => new() { ["ads"] = new JsonObject(), ["initial_fetch_timeout"] = "0s", ["resource_api_version"] = "V3" };

    private static JsonObject Stats()
    {
        var patterns = new JsonArray();
        foreach (var (kind, text) in new[]
                 {
                     ("prefix", "reporter="), ("prefix", "cluster_manager"), ("prefix", "listener_manager"), ("prefix", "server"), ("prefix", "cluster.xds-grpc"), ("prefix", "wasm"),
                     ("suffix", "rbac.allowed"), ("suffix", "rbac.denied"), ("suffix", "shadow_allowed"), ("suffix", "shadow_denied"), ("prefix", "component"), ("prefix", "istio"),
                     ("prefix", "cluster.outbound"), ("prefix", "cluster.inbound"), ("prefix", "http.inbound"), ("prefix", "http.outbound"), ("suffix", "downstream_cx_active"), ("suffix", "upstream_cx_active"),
                 })
            patterns.Add((JsonNode)new JsonObject { [kind] = text });
        var tags = new JsonArray();
        foreach (var (name, regex) in new[]
                 {
                     ("cluster_name", "^cluster(\\.(.+);)"), ("http_conn_manager_prefix", "^http\\.(((?:[_.[:digit:]\\w]*|[_\\[\\]aAbBcCdDeEfF[:digit:]\\w\\:]*));\\.)"), ("tcp_prefix", "^tcp\\.((.*?)\\.)\\w+?$"),
                     ("response_code", "_rq(_(\\d{3}))$"), ("response_code_class", "_rq(_(\\dxx))$"), ("listener_address", "^listener\\.(((?:[_.[:digit:]]*|[_\\[\\]aAbBcCdDeEfF[:digit:]]*))\\.)"),
                 })
            tags.Add((JsonNode)new JsonObject { ["tag_name"] = name, ["regex"] = regex });
        return new JsonObject { ["use_all_default_tags"] = false, ["stats_tags"] = tags, ["stats_matcher"] = new JsonObject { ["inclusion_list"] = new JsonObject { ["patterns"] = patterns } } };
    }

    private static JsonObject Static(string name, string host, int port) => new()
    {
        ["name"] = name,
        ["alt_stat_name"] = name + ";",
        ["type"] = "STATIC",
        ["connect_timeout"] = "0.250s",
        ["lb_policy"] = "ROUND_ROBIN",
        ["load_assignment"] = Assignment(name, host, port),
    };

    private static JsonObject ControlPlane(string host, int port) => new()
    {
        ["name"] = "xds-grpc",
        ["alt_stat_name"] = "xds-grpc;",
        ["type"] = System.Net.IPAddress.TryParse(host, out _) ? "STATIC" : "STRICT_DNS",
        ["dns_lookup_family"] = "V4_ONLY",
        ["connect_timeout"] = "1s",
        ["lb_policy"] = "ROUND_ROBIN",
        ["load_assignment"] = Assignment("xds-grpc", host, port),
        ["circuit_breakers"] = new JsonObject
        {
            ["thresholds"] = new JsonArray(Unlimited("DEFAULT"), Unlimited("HIGH")),
        },
        ["upstream_connection_options"] = new JsonObject { ["tcp_keepalive"] = new JsonObject { ["keepalive_time"] = 300 } },
        ["typed_extension_protocol_options"] = new JsonObject
        {
            ["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"] = new JsonObject
            {
                ["@type"] = Types + "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                ["explicit_http_config"] = new JsonObject { ["http2_protocol_options"] = new JsonObject() },
            },
        },
    };

    private static JsonObject Unlimited(string priority) => new() { ["priority"] = priority, ["max_connections"] = 100000, ["max_pending_requests"] = 100000, ["max_requests"] = 100000 };

    private static JsonObject Assignment(string name, string host, int port) => new()
    {
        ["cluster_name"] = name,
        ["endpoints"] = new JsonArray(new JsonObject { ["lb_endpoints"] = new JsonArray(new JsonObject { ["endpoint"] = new JsonObject { ["address"] = Address(host, port) } }) }),
    };

    private static JsonObject Listener(string host, int port, string prefix, string path, string cluster) => new()
    {
        ["name"] = $"{host}_{port}",
        ["address"] = Address(host, port),
        ["filter_chains"] = new JsonArray(new JsonObject
        {
            ["filters"] = new JsonArray(new JsonObject
            {
                ["name"] = "envoy.filters.network.http_connection_manager",
                ["typed_config"] = new JsonObject
                {
                    ["@type"] = Types + "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    ["codec_type"] = "AUTO",
                    ["stat_prefix"] = prefix,
                    ["route_config"] = new JsonObject
                    {
                        ["virtual_hosts"] = new JsonArray(new JsonObject
                        {
                            ["name"] = "backend",
                            ["domains"] = new JsonArray("*"),
                            ["routes"] = new JsonArray(new JsonObject { ["match"] = new JsonObject { ["prefix"] = path }, ["route"] = new JsonObject { ["cluster"] = cluster } }),
                        }),
                    },
                    ["http_filters"] = new JsonArray(new JsonObject
                    {
                        ["name"] = "envoy.filters.http.router",
                        ["typed_config"] = new JsonObject { ["@type"] = Types + "envoy.extensions.filters.http.router.v3.Router" },
                    }),
                },
            }),
        }),
    };

    private static JsonObject Address(string host, int port) => new() { ["socket_address"] = new JsonObject { ["address"] = host, ["port_value"] = port } };

    private static (string Host, int Port) Split(string address)
    {
        var colon = address.LastIndexOf(':');
        return colon > 0 && int.TryParse(address.AsSpan(colon + 1), out var port) ? (address[..colon].Trim('[', ']'), port) : (address, 15010);
    }
}
