namespace Lateen.Conformance.Tests.EnvoyDifferential;

/// <summary>Where in the bootstrap a variation stands.</summary>
internal enum Slot
{
    /// <summary>A field of the bootstrap.</summary>
    Bootstrap,

    /// <summary>A cluster more.</summary>
    Cluster,

    /// <summary>A listener more.</summary>
    Listener,

    /// <summary>A field of the listener.</summary>
    ListenerField,

    /// <summary>A filter chain more.</summary>
    Chain,

    /// <summary>A field of the connection manager.</summary>
    Http,

    /// <summary>An HTTP filter before the router.</summary>
    Filter,

    /// <summary>A field of the route configuration.</summary>
    Table,

    /// <summary>A virtual host more.</summary>
    Host,

    /// <summary>A route before the one that takes all.</summary>
    Route,
}

/// <summary>A bootstrap that both proxies take, with one thing more: right, or wrong in one way.</summary>
internal sealed record ConfigVariation(Slot Slot, string Text)
{
    public override string ToString() => $"{Slot}: {Text}";

    /// <summary>All of one slot in one configuration; clusters get names of their own.</summary>
    public static ConfigVariation Together(IReadOnlyList<ConfigVariation> all)
    {
        var slot = all[0].Slot;
        var indent = slot switch { Slot.Route => 14, Slot.Filter => 10, _ => 2 };
        return new ConfigVariation(slot, string.Join("\n" + new string(' ', indent) + "- ", all.Select((variation, i) => variation.Text.Replace("{name: x,", $"{{name: x{i},", StringComparison.Ordinal)))) { IsSeveral = true };
    }

    private bool IsSeveral { get; init; }

    public string Bootstrap()
    {
        string At(Slot slot) => slot != Slot ? "" : IsSeveral ? Text : Text.ReplaceLineEndings(" ");
        string Item(Slot slot) => slot == Slot ? "- " + At(slot) : "";
        return $$"""
            node: {id: test, cluster: test}
            {{At(Slot.Bootstrap)}}
            static_resources:
              clusters:
              - {name: a, type: STATIC, connect_timeout: 1s, load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 9} } } }]}]} }
              {{Item(Slot.Cluster)}}
              listeners:
              {{Item(Slot.Listener)}}
              - name: test
                address: {socket_address: {address: 127.0.0.1, port_value: 0} }
                {{At(Slot.ListenerField)}}
                filter_chains:
                {{Item(Slot.Chain)}}
                - filter_chain_match: {destination_port: 1}
                  filters:
                  - name: http
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                      stat_prefix: test
                      {{At(Slot.Http)}}
                      route_config:
                        name: table
                        {{At(Slot.Table)}}
                        virtual_hosts:
                        {{Item(Slot.Host)}}
                        - name: all
                          domains: ["*"]
                          routes:
                          {{Item(Slot.Route)}}
                          - {match: {prefix: "/"}, route: {cluster: a} }
                      http_filters:
                      {{Item(Slot.Filter)}}
                      - {name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router} }
            """;
    }
}
