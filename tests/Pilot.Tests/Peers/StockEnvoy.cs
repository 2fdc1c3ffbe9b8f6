using System.Text.Json.Nodes;
using Lateen.Support;

namespace Lateen.Pilot.Tests.Peers;

/// <summary>A stock Envoy with a bootstrap as pilot-agent writes it, reduced to what xDS needs. Gone with the test.</summary>
internal sealed class StockEnvoy : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly HttpClient _http = new();
    private readonly int _admin = FreePorts.One();
    private readonly LocalProcess _process;

    public StockEnvoy(string path, int pilotPort, string node, bool delta, int baseId)
    {
        var source = "{ads: {}, initial_fetch_timeout: 0s, resource_api_version: V3}";
        var bootstrap = _folder.Write("bootstrap.yaml", $$"""
            node: {id: "{{node}}", cluster: test, metadata: {NAMESPACE: default, LABELS: {app: productpage, version: v1} } }
            admin: {address: {socket_address: {address: 127.0.0.1, port_value: {{_admin}} } } }
            dynamic_resources:
              lds_config: {{source}}
              cds_config: {{source}}
              ads_config:
                api_type: {{(delta ? "DELTA_GRPC" : "GRPC")}}
                set_node_on_first_message_only: true
                transport_api_version: V3
                grpc_services: [{envoy_grpc: {cluster_name: xds-grpc} }]
            static_resources:
              clusters:
              - name: xds-grpc
                type: STATIC
                connect_timeout: 1s
                load_assignment:
                  cluster_name: xds-grpc
                  endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{pilotPort}} } } } }]}]
                typed_extension_protocol_options:
                  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                    explicit_http_config: {http2_protocol_options: {} }
            """);
        _process = LocalProcess.Start(path, ["-c", bootstrap, "--concurrency", "1", "--base-id", $"{baseId}", "-l", "warning"]);
    }

    public string Output => _process.Output;

    public async Task<JsonObject> DumpAsync() => JsonNode.Parse(await GetAsync("/config_dump?include_eds"))!.AsObject();

    /// <summary>A statistic; 0 for one that is not there. A pattern sums all that match.</summary>
    public async Task<long> StatAsync(string pattern) => (await GetAsync($"/stats?filter={Uri.EscapeDataString(pattern)}"))
        .Split('\n').Where(l => l.Contains(": ")).Sum(l => long.TryParse(l[(l.LastIndexOf(' ') + 1)..], out var value) ? value : 0);

    public Task<string> GetAsync(string path) => _http.GetStringAsync($"http://127.0.0.1:{_admin}{path}", TestContext.Current.CancellationToken);

    public void Dispose()
    {
        _process.Dispose();
        _http.Dispose();
        _folder.Dispose();
    }
}
